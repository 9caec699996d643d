-- For wrk: asks for the paths of a file, one after the other.
local requests = {}
local at = 0

function init(args)
  for path in io.lines(args[1]) do
    requests[#requests + 1] = wrk.format("GET", path, { ["cloudfront-viewer-country"] = "DE" })
  end
end

function request()
  at = at % #requests + 1
  return requests[at]
end

function done(summary, latency)
  local errors = summary.errors
  local failed = errors.status + errors.connect + errors.read + errors.write + errors.timeout
  io.write(string.format("requests %d seconds %.3f failed %d\n", summary.requests, summary.duration / 1e6, failed))
end
