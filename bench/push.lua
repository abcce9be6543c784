-- For wrk: template notifications to one user after the other, over several channels.
-- Arguments: a file with 64 hex digits a line, the first line to take, then the channels' access tokens.
local hashes, tokens, place, first = {}, {}, 0, 0

function init(args)
  first = tonumber(args[2])
  local number = 0
  for line in io.lines(args[1]) do
    number = number + 1
    if number > first then hashes[#hashes + 1] = line end
  end
  for i = 3, #args do tokens[#tokens + 1] = "Bearer " .. args[i] end
end

local content = [[","templateKey":"example_parcel","body":{"emphasizedItem":{"itemKey":"example_date","content":"8月10日(六)"},]] ..
  [["items":[{"itemKey":"example_time","content":"上午"},{"itemKey":"example_number","content":"TW20260807001"},]] ..
  [[{"itemKey":"example_price","content":"NT$1,200"},{"itemKey":"example_name","content":"冷凍湯品組合"}],]] ..
  [["buttons":[{"buttonKey":"example_status","url":"https://example.com/parcels/TW20260807001"},]] ..
  [[{"buttonKey":"example_contact","url":"https://example.com/contact/"}]}}]]

function request()
  place = place + 1
  local headers = {
    ["Content-Type"] = "application/json",
    ["Authorization"] = tokens[place % #tokens + 1],
    ["X-Line-Delivery-Tag"] = string.format("bench-%014d", first + place),
  }
  return wrk.format("POST", "/v2/bot/message/pnp/templated/push", headers, '{"to":"' .. hashes[(place - 1) % #hashes + 1] .. content)
end
