-- For wrk: prints one line about the run, for a program to read. With a text after the URL, each answer must be 200 and
-- that text. This check is too slow to be measured, and so is for the warm-up only.
local threads = {}

function setup(thread)
  table.insert(threads, thread)
end

function init(args)
  wrong = 0
  local text = args[1]
  if text then
    response = function(status, headers, body)
      if status ~= 200 or body ~= text then
        wrong = wrong + 1
      end
    end
  end
end

function done(summary, latency)
  local errors = summary.errors
  local failed = errors.connect + errors.read + errors.write + errors.status + errors.timeout
  for _, thread in ipairs(threads) do
    failed = failed + thread:get("wrong")
  end
  io.write(string.format("\nmeasured %d %d %d %d %d %d\n", summary.requests, summary.duration, summary.bytes, failed,
    latency:percentile(50), latency:percentile(99)))
end
