-- Makes the log of a shard without records begin after a position. KEYS: head, log. ARGV: the position.
-- Answers the head if there is one that has moved already, else nothing.
local head = redis.call('GET', KEYS[1])
if head and redis.call('EXISTS', KEYS[2]) == 1 then return head end
local epoch, turn = '0', '0'
if head then epoch, turn = string.match(head, '^(%d+)-%d+-(%d+)$') end
redis.call('SET', KEYS[1], epoch .. '-' .. ARGV[1] .. '-' .. turn)
return false
