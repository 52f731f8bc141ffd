-- One turn of one member at the slots of one key; `redis_slots.py` explains the parts and sends the arguments.
--
-- Everything of a key is in one hash, so that an eviction, an expiry or a flush loses all of it or nothing: a ledger
-- that lost a part would hand out slots that are in use. Instants are whole microseconds of the server's clock, which
-- a double holds exactly; `tostring` would keep 14 digits of them.

local key = KEYS[1]
local cursor = 0
local function word() cursor = cursor + 1; return ARGV[cursor] end
local function number() return tonumber(word()) end

local shape, me = word(), word()
local call, limit, window, hold, way, lease, pace = number(), number(), number(), number(), number(), number(), number()
local want, count, first_token, lead = word(), number(), number(), number()
local pause_for, slide_for, saw_interactive, trips, trip = number(), number(), number(), number(), number()

local POLL, HORIZON, GRACE, PACED_FOR = 50000, 500000, 100000, 60000000
local KEPT_MS = 604800000
local MINUTE, TRIPS_RELIED_UPON, TRIPS_SPAN = 60000000, 20, 2000000

local time = redis.call('TIME')
local now = tonumber(time[1]) * 1000000 + tonumber(time[2])
-- a restarted server, or a replica in its place, may have lost the latest writes and has another clock
local info = redis.pcall('INFO', 'server')
local run = type(info) == 'string' and string.match(info, 'run_id:(%x+)') or 'unknown'

-- State ---------------------------------------------------------------------------------------------------------

local fields, dirty = {}, {}
local flat = redis.call('HGETALL', key)
for i = 1, #flat, 2 do fields[flat[i]] = flat[i + 1] end
local function exact(value) return string.format('%.0f', value) end
local function put(name, value) fields[name], dirty[name] = value, value end
local function instant(name) return tonumber(fields[name] or 0) end
local function later(name, at) if at > instant(name) then put(name, exact(at)) end end

local members, alive, gone = {}, 0, {}
for name, value in pairs(fields) do
  local id = string.match(name, '^m:(.+)$')
  if id then
    local seen, last = string.match(value, '^(%d+) (%d+)$')
    if id ~= me and tonumber(seen) + lease < now then
      gone[#gone + 1] = name
    else
      members[id], alive = tonumber(last), alive + 1
    end
  end
end
local before = members[me] or 0
-- a call that its member gave up may arrive after a newer one, with a list of slots that is no longer true
if call <= before then return {'late'} end

local same_server = fields.run == run and instant('latest') <= now + 1000000
if not (same_server and fields.shape == shape) then
  if same_server and fields.shape and alive > (members[me] and 1 or 0) then return {'in use'} end
  -- Nothing is known of the last window, so no member sends until it is over; members tell what they have in flight.
  -- One that dies before it could tell has a request on its way at most for `way`.
  redis.call('DEL', key)
  fields, dirty, members, alive, gone, before = {}, {}, {}, 0, {}, 0
  put('shape', shape)
  put('run', run)
  put('paused', exact(now + hold + way))
end
if not members[me] then alive = alive + 1 end
members[me] = call
put('m:' .. me, exact(now) .. ' ' .. exact(call))
put('latest', exact(now))

-- A slot is F(ree), R(eserved), U (reserved for an urgent request) or X (in flight). `free` is the instant from which
-- the request before it no longer counts, `at` the instant of its own. `before` is the end of the request before that,
-- which a sliding counter may still count in part.
local slots, mine, place = {}, {}, nil
local function save(slot)
  local parts = {slot.state, exact(slot.at), exact(slot.free), slot.token, slot.owner, exact(slot.before)}
  put(slot.name, table.concat(parts, ' '))
end
local function release(slot, free)
  if free ~= slot.free then slot.before = math.max(0, slot.free - hold) end
  slot.state, slot.at, slot.free, slot.token, slot.owner = 'F', 0, free, '0', '-'
  save(slot)
end
for i = 1, limit do
  local slot = {name = 's' .. i, state = 'F', at = 0, free = 0, token = '0', owner = '-', before = 0}
  local shape_of = '^(%a) (%d+) (%d+) (%d+) (%S+) (%d+)$'
  local state, at, free, token, owner, before_it = string.match(fields[slot.name] or '', shape_of)
  if state then
    slot.state, slot.at, slot.free, slot.token, slot.owner = state, tonumber(at), tonumber(free), token, owner
    slot.before = tonumber(before_it)
  end
  slots[i] = slot
  if slot.state == 'X' then
    -- the lease of a dead member is longer than a window, so its last request counts no more
    if not members[owner] then
      release(slot, now)
    elseif owner == me then
      mine[token] = slot
    end
  elseif slot.state ~= 'F' then
    -- a reservation is confirmed here before its request goes, so one that was not can be taken away
    if slot.owner == me then
      place = slot
    elseif not members[slot.owner] or slot.at + GRACE < now then
      release(slot, slot.free)
    end
  end
end

local function first_free()
  local first
  for i = 1, limit do
    local slot = slots[i]
    if slot.state == 'F' and (not first or slot.free < first.free) then first = slot end
  end
  return first
end

-- A request that went without the ledger takes the slot that is free first. If an earlier request still counts there,
-- no other request goes until that one does not.
local function occupy()
  local slot = first_free()
  if not slot then
    later('paused', now + hold)
  elseif slot.free > now then
    later('paused', slot.free)
  end
  return slot
end

-- Reports -------------------------------------------------------------------------------------------------------

for _ = 1, number() do
  local token, rest, first_call = word(), number(), number()
  local slot = mine[token]
  if slot then
    mine[token] = nil
    -- a request that was never sent leaves the slot as it was
    release(slot, rest > 0 and now + rest or slot.free)
  elseif first_call > before and rest > 0 then
    slot = occupy()
    if slot then release(slot, math.max(slot.free, now + rest)) end
  end
end
local held = {}
for _ = 1, number() do
  local token = word()
  held[token] = true
  if not mine[token] then
    local slot = occupy()
    if slot then
      slot.state, slot.at, slot.token, slot.owner = 'X', now, token, me
      save(slot)
    end
  end
end
for token, slot in pairs(mine) do
  -- granted in a call whose answer was lost: its member never knew
  if not held[token] then release(slot, slot.free) end
end

if pause_for > 0 then later('paused', now + pause_for) end
if slide_for > 0 then put('sliding', exact(now + slide_for)) end
if saw_interactive > 0 or want == 'urgent' then put('interactive', exact(now)) end

-- Round trips: those of this minute and of the one before. Few, or many at one instant, may all be late.
local seen_trips, first_trip, smallest = 0, now, nil
local minute = math.floor(now / MINUTE)
for back = 0, 1 do
  local name = 'trips' .. (minute - back) % 2
  local at, n, least, first = string.match(fields[name] or '', '^(%d+) (%d+) (%d+) (%d+)$')
  at, n, least, first = tonumber(at), tonumber(n), tonumber(least), tonumber(first)
  if at ~= minute - back then n, least, first = 0, nil, now end
  if back == 0 and trips > 0 then
    n, least = n + trips, math.min(least or trip, trip)
    put(name, table.concat({exact(minute), exact(n), exact(least), exact(first)}, ' '))
  end
  if n > 0 then
    seen_trips, first_trip, smallest = seen_trips + n, math.min(first_trip, first), math.min(smallest or least, least)
  end
end
local relied_upon = seen_trips >= TRIPS_RELIED_UPON and now - first_trip >= TRIPS_SPAN

-- Reserving -----------------------------------------------------------------------------------------------------

local urgent, asked_for = want == 'urgent', want == 'urgent' or want == 'bulk'
local granted, ask = {}, 0

local function begin(slot, at)
  slot.state, slot.at, slot.owner = 'X', at, me
  slot.token = exact(first_token + #granted / 2)
  granted[#granted + 1], granted[#granted + 2] = tonumber(slot.token), at
  save(slot)
end

-- Takes the earliest reservation of another member that is for a bulk request, in exchange for its own.
local function overtake(slot)
  local earliest
  for i = 1, limit do
    local other = slots[i]
    if other.state == 'R' and other.owner ~= me and (not earliest or other.at < earliest.at) then earliest = other end
  end
  if not earliest or (slot and slot.at <= earliest.at) then return slot end
  if slot then
    slot.owner, slot.state = earliest.owner, 'R'
    save(slot)
  end
  earliest.owner, earliest.state = me, 'U'
  save(earliest)
  return earliest
end

-- One member after the other, since each that is told this finds one slot.
local function ask_again(at)
  local again = math.max(at - HORIZON, math.min(instant('asked') + window / limit, at))
  put('asked', exact(again))
  return again
end

-- The instant at which the estimate of a sliding counter leaves room for one more, wherever its window began: as
-- `Ledger._latest_fall`, with all that is reserved as if it were in flight.
local function sliding_opens()
  local stamps, flying = {}, 0
  for _, slot in ipairs(slots) do
    if slot.state ~= 'F' then flying = flying + 1 end
    for _, stamp in ipairs({slot.free - hold, slot.before}) do
      if stamp > now - 2 * window then stamps[#stamps + 1] = stamp end
    end
  end
  table.sort(stamps)
  local total, behind, ahead, most, latest = flying + #stamps, 1, 1, limit - 1, 0
  local function fall(start, current, previous)
    if current + previous > most then
      local part = current < most and 1 - (most - current) / previous or 1
      latest = math.max(latest, math.ceil(start + window * part))
    end
  end
  for i, stamp in ipairs(stamps) do
    while stamps[behind] < stamp - window do behind = behind + 1 end
    fall(stamp, total - i + 1, i - behind)
    while ahead <= #stamps and stamps[ahead] < stamp + window do ahead = ahead + 1 end
    fall(stamp + window, total - ahead + 1, ahead - i)
  end
  return latest + hold - window
end

local function reserve()
  local is_sliding = instant('sliding') > now
  local spread = now - instant('interactive') < PACED_FOR
  -- Where members are more than slots, each call matters: a slot is confirmed early, which saves the call that confirms it. An
  -- urgent request could not take it then, so not while such requests come.
  local early = lead
  if not urgent and not spread and alive > limit then early = HORIZON end
  while #granted / 2 < count do
    if place then
      if urgent then place.state = 'U'; save(place); place = overtake(place) end
      if place.at > now + early then return place.at - early end
      begin(place, place.at)
      place = nil
    else
      local slot = first_free()
      if slot then
        local at, paced = math.max(slot.free, now), math.min(instant('paced'), now + window)
        if is_sliding then at = math.max(at, sliding_opens()) end
        local used_lately = pace > 0 and slot.free > now - window
        if used_lately and not urgent and spread then at = math.max(at, paced) end
        -- where members are more than slots, the later ones would never find one that is not reserved
        if not urgent and at > now + HORIZON and alive > limit then return ask_again(at) end
        if used_lately then put('paced', exact(math.max(at, paced) + pace)) end
        if at <= now + early then
          begin(slot, at)
          -- The next one is for another member. By then this one has an answer, and reports it with the call.
          if at > now + lead then return at + math.floor(window / 2) end
        else
          slot.state, slot.at, slot.owner = urgent and 'U' or 'R', at, me
          save(slot)
          place = slot
        end
      else
        if urgent then place = overtake(nil) end
        -- what is in flight now is not free before a window from now, but for a request that was never sent
        if not place and not urgent and alive > limit then return ask_again(now + hold) end
        if not place then return now + (urgent and POLL or math.max(POLL, window - 2 * HORIZON)) end
      end
    end
  end
  return 0
end

if asked_for then
  if instant('paused') > now then ask = instant('paused') else ask = reserve() end
elseif want ~= 'keep' and place then
  release(place, place.free)
  place = nil
end
if want == 'leave' then
  -- what is in flight may be counted until a window from now
  for _, slot in ipairs(slots) do
    if slot.state == 'X' and slot.owner == me then release(slot, now + hold) end
  end
  gone[#gone + 1] = 'm:' .. me
  dirty['m:' .. me] = nil
end

local changes = {}
for name, value in pairs(dirty) do changes[#changes + 1] = name; changes[#changes + 1] = value end
redis.call('HSET', key, unpack(changes))
if #gone > 0 then redis.call('HDEL', key, unpack(gone)) end
redis.call('PEXPIRE', key, KEPT_MS)

-- for forecasts: milliseconds until each slot is free; -1 for one in flight
local frees = {}
for i, slot in ipairs(slots) do
  local free = slot.state == 'F' and slot.free or slot.at + hold
  frees[i] = slot.state == 'X' and '-1' or exact(math.max(0, math.ceil((free - now) / 1000)))
end
return {'ok', now, ask, place and 1 or 0, alive, relied_upon and smallest or 0, table.concat(frees, ' '), unpack(granted)}
