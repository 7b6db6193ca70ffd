-- Prints what wrk measured as one line of JSON. WRK_PUT_SIZE makes the requests uploads of that
-- size; WRK_MIX makes them a mix: of 16, 11 GET /1k, 3 GET /64k, a GET /1m and a PUT of 64 KiB.
local size = os.getenv("WRK_PUT_SIZE")
if size then
  wrk.method = "PUT"
  wrk.body = string.rep("x", tonumber(size))
end

if os.getenv("WRK_MIX") then
  local mix, turn = {}, 0

  function init(_)
    local kinds = "kkkLkkkMkLkkPkLk"
    local made = {
      k = wrk.format("GET", "/1k"),
      L = wrk.format("GET", "/64k"),
      M = wrk.format("GET", "/1m"),
      P = wrk.format("PUT", "/sink", nil, string.rep("x", 64 * 1024)),
    }
    for kind in kinds:gmatch(".") do
      mix[#mix + 1] = made[kind]
    end
  end

  function request()
    turn = turn % #mix + 1
    return mix[turn]
  end
end

function done(summary, latency, _)
  local e = summary.errors
  io.write(string.format(
    '\n{"requests": %d, "seconds": %.6f, "p50_us": %d, "p99_us": %d, ' ..
    '"errors": {"connect": %d, "read": %d, "write": %d, "status": %d, "timeout": %d}}\n',
    summary.requests, summary.duration / 1e6, latency:percentile(50), latency:percentile(99),
    e.connect, e.read, e.write, e.status, e.timeout))
end
