//! End to end: the real server as a child process, real connections, one file a theme.
