-- A limit that all nodes have in common, by GCRA: what a key may take is a steady flow, with some at once. KEYS: when the flow
-- will have caught up with what was taken (us since 1970). ARGV: us for one, how many at once, how many are taken, and 1 if they
-- are taken in any case, since they were let through already.
-- Answers 0 if that many may be taken now, else the wait in ms.
local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]
local each, most = tonumber(ARGV[1]), tonumber(ARGV[2])
local caught_up = math.max(tonumber(redis.call('GET', KEYS[1]) or '0'), now) + each * tonumber(ARGV[3])
local wait = math.max(0, math.ceil((caught_up - now - each * most) / 1000))
if wait == 0 or ARGV[4] == '1' then
  redis.call('SET', KEYS[1], string.format('%d', caught_up), 'PX', math.ceil((caught_up - now) / 1000) + 1)
end
return wait
