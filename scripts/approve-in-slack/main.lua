-- A request that is typed in Slack, "/request 120 EUR for the fair", is decided
-- with two buttons in a message, or on the page that the third button opens.
local slack = require "slack"

-- A button answers an approval if its value is the approval's id, a colon and a choice.
local function button(ask, choice, style)
  return {
    type      = "button",
    style     = style,
    action_id = "decide_" .. text.slug(choice),
    text      = { type = "plain_text", text = choice },
    value     = ask.id .. ":" .. choice,
  }
end

local function section(words)
  return { type = "section", text = { type = "mrkdwn", text = words } }
end

local function answer(event, words)
  http.post(event.data.response_url, { json = { text = words } })
end

on("slack.slash_command.invoked", { where = { command = params.command } }, function(event)
  local request = text.trim(event.data.text)
  if request == "" then
    return answer(event, "What for? Write `" .. params.command .. " 120 EUR for the fair`.")
  end

  local who = "<@" .. event.data.user_id .. ">"
  local ask = approval {
    title   = "Request of " .. event.data.user_name,
    text    = request,
    choices = { "Approve", "Reject" },
    timeout = params.patience,
  }
  local asked = slack.chat.post_message {
    channel = params.channel,
    text    = who .. " requests: " .. request,
    blocks  = {
      section("*" .. who .. " requests:* " .. request),
      {
        type     = "actions",
        elements = {
          button(ask, "Approve", "primary"),
          button(ask, "Reject", "danger"),
          { type = "button", action_id = "page", text = { type = "plain_text", text = "With a note" }, url = ask.url },
        },
      },
    },
  }
  answer(event, "Your request is with those who decide.")

  local decision = wait_for(ask)
  local result   = "nobody decided in time"
  if decision then
    result = (decision.choice == "Approve" and "approved" or "rejected") .. " by " .. decision.by
  end
  local note = decision and decision.note and decision.note ~= "" and "\n> " .. decision.note or ""
  slack.chat.update {
    channel = asked.channel,
    ts      = asked.ts,
    text    = who .. " requested: " .. request .. " – " .. result,
    blocks  = { section("*" .. who .. " requested:* " .. request .. "\n" .. result .. note) },
  }
  slack.chat.post_message {
    channel = event.data.user_id,
    text    = "Your request for " .. request .. ": " .. result .. note,
  }
end)
