-- Prints what wrk measured as one line of JSON; WRK_PUT_SIZE makes the requests uploads.
local size = os.getenv("WRK_PUT_SIZE")
if size then
  wrk.method = "PUT"
  wrk.body = string.rep("x", tonumber(size))
end

function done(summary, latency, _)
  local e = summary.errors
  io.write(string.format(
    '\n{"requests": %d, "seconds": %.6f, "p50_us": %d, "p99_us": %d, ' ..
    '"errors": {"connect": %d, "read": %d, "write": %d, "status": %d, "timeout": %d}}\n',
    summary.requests, summary.duration / 1e6, latency:percentile(50), latency:percentile(99),
    e.connect, e.read, e.write, e.status, e.timeout))
end
