-- Asks with pauses in between, if it is told how long (ms, on average); see wrk's SCRIPTING.
init = function(args)
  local pause = tonumber(args[1]) or 0
  if pause > 0 then
    delay = function() return math.random(0, 2 * pause) end
  end
end

-- Prints one line of exact figures after wrk's own summary.
done = function(summary, latency, requests)
  local errors = summary.errors
  io.write(string.format(
    'FIGURES {"requests": %d, "duration_s": %.6f, "p50_ms": %.3f, "p99_ms": %.3f, ' ..
    '"bad_status": %d, "connect": %d, "read": %d, "write": %d, "timeout": %d}\n',
    summary.requests, summary.duration / 1e6,
    latency:percentile(50) / 1000, latency:percentile(99) / 1000,
    errors.status, errors.connect, errors.read, errors.write, errors.timeout))
end
