-- The fenced append. KEYS: head, log. ARGV: the expected head, the new head, the entry's id ('' for none), the entry's
-- bytes, then the side writes: command, number of arguments, arguments. Answers the head as it is afterwards: the new one
-- says that this call is in, now or since an earlier try; any other one that nothing was written.
local head = redis.call('GET', KEYS[1]) or '0-0-0'
if head ~= ARGV[1] then return head end
local at = 5
while at < #ARGV do
  local count = tonumber(ARGV[at + 1])
  redis.call(ARGV[at], unpack(ARGV, at + 2, at + 1 + count))
  at = at + 2 + count
end
if ARGV[3] ~= '' then redis.call('XADD', KEYS[2], ARGV[3], 'r', ARGV[4]) end
redis.call('SET', KEYS[1], ARGV[2])
return ARGV[2]
