-- For wrk: posts the bodies of a file (BODIES, "kind<TAB>JSON" a line), those of KIND, each with a call id of its own.
local bodies = {}
for line in io.lines(os.getenv("BODIES")) do
	local kind, json = line:match("^(%S+)\t(.*)$")
	if kind == os.getenv("KIND") then
		bodies[#bodies + 1] = json
	end
end

local threads = 0
function setup(thread)
	threads = threads + 1
	thread:set("number", threads)
end

local sent = 0
local run = os.getenv("RUN")
function request()
	sent = sent + 1
	local id = run .. "-" .. number .. "-" .. math.floor(sent / #bodies)
	local body = bodies[sent % #bodies + 1]:gsub("CALL%-ID", id)
	return wrk.format("POST", nil, { ["Content-Type"] = "application/json", ["X-Vapi-Secret"] = "secret-of-the-benchmark" }, body)
end
