-- Dovecot's view of a vpopmail tree: passwords, flags and quotas are read from vpasswd at each sign-in,
-- so a change in the tree counts at once. HELIOSPHERE_MAIL_ROOT names the tree.

local NO_POP, NO_IMAP, NO_RELAY = 0x2, 0x8, 0x20
local CLOSED_BY = { imap = NO_IMAP, pop3 = NO_POP, sieve = NO_IMAP }

local root = os.getenv("HELIOSPHERE_MAIL_ROOT")

local function exists(path)
  local file = io.open(path, "r")
  if file then file:close() end
  return file ~= nil
end

-- The directory of a domain; aliases are looked up in users/assign. Nil when there is no such domain.
local function domain_dir(domain)
  local usual = root .. "/vpopmail/domains/" .. domain
  if exists(usual .. "/vpasswd") then return usual end
  local file = io.open(root .. "/qmail/users/assign", "r")
  if not file then return nil end
  local start, found = "+" .. domain .. "-:", nil
  for line in file:lines() do
    if line:sub(1, #start) == start then
      local real, home = line:sub(#start + 1):match("^([^:]*):[^:]*:[^:]*:([^:]*):")
      if home and exists(home .. "/vpasswd") then
        found = home
      elseif real and exists(root .. "/vpopmail/domains/" .. real .. "/vpasswd") then
        found = root .. "/vpopmail/domains/" .. real
      end
      break
    end
  end
  file:close()
  return found
end

local function fields_of(line)
  local fields = {}
  for field in (line .. ":"):gmatch("([^:]*):") do fields[#fields + 1] = field end
  return fields
end

-- The user's line of vpasswd as a table; nil when there is no such user. Raises when the file is away.
local function find(address)
  local name, domain = address:lower():match("^([^@/]+)@([a-z0-9.-]+)$")
  if not name or domain:find("..", 1, true) or domain:sub(1, 1) == "." then return nil end
  local directory = domain_dir(domain)
  if not directory then return nil end
  local file = assert(io.open(directory .. "/vpasswd", "r"))
  local start, user = name .. ":", nil
  for line in file:lines() do
    if line:sub(1, #start) == start then
      local field = fields_of(line)
      if #field >= 7 then
        local home = field[6]
        -- A tree that was moved keeps the old paths in its lines.
        if not exists(home .. "/Maildir/cur/.") and not exists(home .. "/Maildir") then
          home = directory .. "/" .. name
        end
        user = { hash = field[2], flags = tonumber(field[4]) or 0, home = home, quota = field[7],
                 closed = exists(directory .. "/.suspended") }
      end
      break
    end
  end
  file:close()
  return user
end

local function quota_rule(text)
  local bytes, messages = text:match("(%d+)S"), text:match("(%d+)C")
  local rule = "*"
  if bytes and bytes ~= "0" then rule = rule .. ":bytes=" .. bytes end
  if messages and messages ~= "0" then rule = rule .. ":messages=" .. messages end
  if rule == "*" then return nil end
  return rule
end

local function user_fields(user)
  local fields = { home = user.home, mail = "maildir:" .. user.home .. "/Maildir" }
  fields.quota_rule = quota_rule(user.quota)
  return fields
end

local function is_closed(user, service)
  local flag = CLOSED_BY[service]
  return flag ~= nil and (user.closed or user.flags & flag ~= 0)
end

local function scheme(hash)
  if hash:sub(1, 10) == "$argon2id$" then return "{ARGON2ID}" .. hash end
  return "{CRYPT}" .. hash
end

-- A flag among the mail controls: its own file, then the line in options.
local function control_flag(name)
  local file = io.open(root .. "/qmail/control/" .. name, "r")
  if file then
    local line = file:read("l") or ""
    file:close()
    return (tonumber(line:match("^%d+")) or 0) ~= 0
  end
  file = io.open(root .. "/qmail/control/options", "r")
  if not file then return false end
  local value = 0
  for line in file:lines() do
    local number = line:match("^%s*" .. name .. "[%s=:]+(%d+)")
    if number then value = tonumber(number) end
  end
  file:close()
  return value ~= 0
end

-- POP before SMTP: the address is noted for the mail engine, which lets it relay for a while.
local function note_login(req, user)
  local known, ip = pcall(function() return req.rip end)
  if not known or not ip or not ip:match("^[%x.:]+$") or user.flags & NO_RELAY ~= 0 then return end
  if ip:sub(1, 4) == "127." or ip == "::1" or not control_flag("popbeforesmtp") then return end
  local note = io.open(root .. "/vpopmail/etc/open-smtp.new/" .. ip, "w")
  if note then note:close() end
end

-- The password is checked first, so that only its owner learns that a mailbox is closed.
function auth_password_verify(req, password)
  local ok, user = pcall(find, req.user)
  if not ok then return dovecot.auth.PASSDB_RESULT_INTERNAL_FAILURE, "vpasswd cannot be read" end
  if not user then return dovecot.auth.PASSDB_RESULT_USER_UNKNOWN, "no such user" end
  if password == "" or req:password_verify(scheme(user.hash), password) ~= 1 then
    return dovecot.auth.PASSDB_RESULT_PASSWORD_MISMATCH, "wrong password"
  end
  if is_closed(user, req.service) then
    return dovecot.auth.PASSDB_RESULT_USER_DISABLED, "closed by a flag"
  end
  note_login(req, user)
  return dovecot.auth.PASSDB_RESULT_OK, {}
end

function auth_passdb_lookup(req)
  local ok, user = pcall(find, req.user)
  if not ok then return dovecot.auth.PASSDB_RESULT_INTERNAL_FAILURE, "vpasswd cannot be read" end
  if not user then return dovecot.auth.PASSDB_RESULT_USER_UNKNOWN, "no such user" end
  if is_closed(user, req.service) then
    return dovecot.auth.PASSDB_RESULT_USER_DISABLED, "closed by a flag"
  end
  return dovecot.auth.PASSDB_RESULT_OK, { password = scheme(user.hash) }
end

function auth_userdb_lookup(req)
  local ok, user = pcall(find, req.user)
  if not ok then return dovecot.auth.USERDB_RESULT_INTERNAL_FAILURE, "vpasswd cannot be read" end
  if not user then return dovecot.auth.USERDB_RESULT_USER_UNKNOWN, "no such user" end
  return dovecot.auth.USERDB_RESULT_OK, user_fields(user)
end

function script_init()
  if not root then
    dovecot.i_error("HELIOSPHERE_MAIL_ROOT is not set")
    return 1
  end
  return 0
end

function script_deinit() end
