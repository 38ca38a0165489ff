-- Says that a node lives, and which others do. KEYS: nodes (a hash of ends by Redis's clock, in ms). ARGV: the node, for how
-- long in ms (0: it goes). Answers the nodes that live.
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
if ARGV[2] == '0' then
  redis.call('HDEL', KEYS[1], ARGV[1])
else
  redis.call('HSET', KEYS[1], ARGV[1], now + tonumber(ARGV[2]))
end
local all, live = redis.call('HGETALL', KEYS[1]), {}
for at = 1, #all, 2 do
  if tonumber(all[at + 1]) > now then
    live[#live + 1] = all[at]
  else
    redis.call('HDEL', KEYS[1], all[at])
  end
end
return live
