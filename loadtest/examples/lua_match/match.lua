#!lua name=switchboard

-- The agent who has been idle for longest, in the sets of the profiles that fit.
local function longest_idle(keys)
  local agent, since, from
  for _, key in ipairs(keys) do
    local first = redis.call('ZRANGE', key, 0, 0, 'WITHSCORES')
    if first[1] then
      local idle_since = tonumber(first[2])
      if not since or idle_since < since then
        agent, since, from = first[1], idle_since, key
      end
    end
  end
  return agent, since, from
end

-- Chooses for a conversation, and releases again. KEYS: the sets; ARGV: the time.
local function serve(keys, args)
  local agent, _, from = longest_idle(keys)
  if not agent then
    return -1
  end
  redis.call('ZREM', from, agent)
  redis.call('ZADD', from, args[1], agent)
  return tonumber(agent)
end

-- The same with its events and the record of why. The last two KEYS: the log and the conversation; ARGV: time, id.
local function serve_and_record(keys, args)
  local conversation = table.remove(keys)
  local log = table.remove(keys)
  local agent, since, from = longest_idle(keys)
  if not agent then
    return -1
  end
  redis.call('ZREM', from, agent)
  redis.call('HSET', conversation, 'agent', agent, 'state', 'active', 'since', args[1])
  redis.call('XADD', log, 'MAXLEN', '~', '100000', '*', 'kind', 'assigned', 'conversation', args[2], 'agent', agent,
    'at', args[1], 'record', cjson.encode({ winner = agent, idle_since = since, profile = from, groups = #keys }))
  redis.call('XADD', log, 'MAXLEN', '~', '100000', '*', 'kind', 'closed', 'conversation', args[2], 'at', args[1])
  redis.call('DEL', conversation)
  redis.call('ZADD', from, args[1], agent)
  return tonumber(agent)
end

redis.register_function('serve', serve)
redis.register_function('serve_and_record', serve_and_record)
