-- Takes the lease of a shard, unless another node holds it, and opens an epoch. KEYS: head, log, lease. ARGV: the node, how
-- long in ms, dice (0 to 1023), the node that this one follows on the same data folder, which has ended ('' for none). The epoch grows from the one in the lease and the one in the log; its low bits are the dice,
-- so that two epochs differ even where Redis has forgotten that it gave one of them. The marker makes Redis itself refuse
-- every id of an older epoch.
-- Answers {holder, head, ms left}.
local held = redis.call('GET', KEYS[3])
local head = redis.call('GET', KEYS[1]) or '0-0-0'
local granted = 0
if held then
  local epoch, holder = string.match(held, '^(%d+) (.*)$')
  local left = redis.call('PTTL', KEYS[3])
  if holder ~= '' and holder ~= ARGV[1] and holder ~= ARGV[4] and left > 0 then return {holder, head, left} end
  granted = tonumber(epoch)
end
local epoch, position = string.match(head, '^(%d+)-(%d+)-%d+$')
epoch = (math.floor(math.max(granted, tonumber(epoch)) / 1024) + 1) * 1024 + tonumber(ARGV[3])
head = string.format('%d-%s-0', epoch, position)
redis.call('XADD', KEYS[2], string.format('%d-%s', epoch, position), 'o', ARGV[1])
redis.call('SET', KEYS[1], head)
redis.call('SET', KEYS[3], string.format('%d %s', epoch, ARGV[1]), 'PX', ARGV[2])
return {ARGV[1], head, tonumber(ARGV[2])}
