-- Renews or gives back the lease of a shard. KEYS: head, lease. ARGV: node, epoch, how long in ms (0 gives it back).
-- Answers 1, or 0 where it is another one's now. A lease that ran out while nobody took it is taken up again.
local head = redis.call('GET', KEYS[1]) or '0-0-0'
if string.match(head, '^(%d+)-') ~= ARGV[2] then return 0 end
local held = redis.call('GET', KEYS[2])
local mine = ARGV[2] .. ' ' .. ARGV[1]
if held and held ~= mine then return 0 end
if ARGV[3] == '0' then
  redis.call('SET', KEYS[2], ARGV[2] .. ' ', 'PX', 1)
else
  redis.call('SET', KEYS[2], mine, 'PX', ARGV[3])
end
return 1
