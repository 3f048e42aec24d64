package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/url"
	"strings"

	"slipway"
)

// process is what a program gets from its surroundings.
type process struct {
	getenv         func(string) (string, bool)
	environ        func() []string
	stdin          io.Reader
	stdout, stderr io.Writer
}

// exitCode ends the program without another word.
type exitCode int

func (e exitCode) Error() string { return fmt.Sprintf("exit code %d", int(e)) }

const usage = `Slipway, the release-plan bot.

Usage: slipway [command] [options]

  serve            run the bot, the console, the API and the workers (the default)
                   --role all|api|worker   what this process does (default all)
  demo             play a whole release by itself; --stay keeps it to be looked at
  doctor           check the set-up from the configuration to the chats, and say how to mend it: --json, --lang zh
                   --click slack:ROOM|feishu:ROOM   also post a button there and wait for somebody to press it
  slack manifest   print the manifest that makes the Slack app: --url https://HOST for HTTP, --socket, --lang zh
  dev fakechat     play Slack and Feishu on a page of this machine, with a Slipway connected to both:
                   --listen ADDRESS (default 127.0.0.1:8090), --lang zh
  migrate          bring the database to this version's schema
  config check     read the configuration and name every problem
  config show      print the configuration in force, secrets as ***
  apply FILE       create a plan from a document, or replace one: --plan '#12' ("-" reads standard input)
  plan list        the plans, newest first: --status, --q, --manager, --limit
  plan show REF    one plan; REF is its number or id
  plan log REF     its operation log
  plan VERB REF    submit, start, approve, reject, withdraw, remind, replan, cancel, override: --comment TEXT
                   transfer --to WHO; ask_again --endpoints A,B; copy --name NAME: --comment TEXT as well
  plan VERB REF ITEM   execute, complete, skip, retry: --remark TEXT; retry --accept DIGEST takes a change of the workflow
  plan adopt REF ITEM RUN   name the run of an item that may or may not have been started
  plan decide REF ITEM yes|no   answer a run that waits for a person: --job JOB, --comment TEXT
  away             who decides in whose place; away --to WHO --until TIME says who does in yours: --from TIME;
                   away off ends it; --for WHO: in somebody else's, for admins
  hours            when you work; hours 'Mon-Fri 9-18' or hours default sets it: --off DAY,DAY..DAY or --off none, --for WHO
  whoami           who you are to the running Slipway
  hooks list       what was sent to outside systems: --plan, --endpoint, --event, --state, --since, --until, --limit
  hooks show ID    one hook with its body and every try
  hooks replay ID  send it again; --failed sends all again that were given up: --endpoint, --since, --until, --dry-run
  hooks export     JSON Lines, whole, oldest first; with the same options as list
  hooks endpoints  who is told and asked
  hooks test NAME  send an endpoint a signed ping and explain the answer
  hooks set FILE   make or replace an endpoint, with the keys of slipway.yaml ("-" reads standard input)
  hooks rotate|enable|disable|delete NAME   a new secret; switch on or off; delete
  link EMAIL       print a new one-time sign-in link for a user; needs the database, not a running Slipway
  revoke EMAIL     take links, sessions and API tokens from a user
  version          print the version

  --config FILE    configuration, else SLIPWAY_CONFIG, else slipway.yaml if it is there

apply, plan, away, hours, whoami and hooks talk to a running Slipway: SLIPWAY_PUBLIC_URL (default http://127.0.0.1:8080)
and SLIPWAY_TOKEN (a user's API token) or SLIPWAY_ADMIN_TOKEN; with the admin token,
SLIPWAY_ACTOR names the e-mail of the user to act as.
`

// run is the program: it reads the command line and hands over.
func run(ctx context.Context, args []string, p process) error {
	args, configPath, err := takeOption(args, "config")
	if err != nil {
		return err
	}
	name := "serve"
	if len(args) > 0 && !strings.HasPrefix(args[0], "-") {
		name, args = args[0], args[1:]
	}
	for _, a := range append([]string{name}, args...) {
		if a == "-h" || a == "-help" || a == "--help" {
			name = "help"
		}
	}
	switch name {
	case "help":
		_, err := io.WriteString(p.stdout, usage)
		return err
	case "version":
		_, err := fmt.Fprintln(p.stdout, "slipway", version)
		return err
	case "serve":
		return serve(ctx, args, configPath, p)
	case "demo":
		return demo(ctx, args, p)
	case "doctor":
		return doctorCommand(ctx, args, configPath, p)
	case "slack":
		return slackCommand(args, p)
	case "dev":
		return devCommand(ctx, args, p)
	case "hooks":
		return hooksCommand(ctx, args, p)
	case "migrate":
		return migrate(ctx, args, configPath, p)
	case "link":
		return link(ctx, args, configPath, p)
	case "revoke":
		return revoke(ctx, args, configPath, p)
	case "config":
		return configCommand(args, configPath, p)
	case "apply":
		return apply(ctx, args, p)
	case "plan":
		return planCommand(ctx, args, p)
	case "away":
		return awayCommand(ctx, args, p)
	case "hours":
		return hoursCommand(ctx, args, p)
	case "whoami":
		return whoami(ctx, args, p)
	}
	return fmt.Errorf("%q is not a command; `slipway help` lists them", name)
}

// takeOption takes "--name value" or "--name=value" out of the arguments.
func takeOption(args []string, name string) ([]string, string, error) {
	var rest []string
	value, next := "", false
	for _, arg := range args {
		word, given, joined := strings.Cut(strings.TrimPrefix(strings.TrimPrefix(arg, "-"), "-"), "=")
		switch {
		case next:
			value, next = arg, false
		case !strings.HasPrefix(arg, "-") || word != name:
			rest = append(rest, arg)
		case joined:
			value = given
		default:
			next = true
		}
	}
	if next {
		return nil, "", fmt.Errorf("--%s expects a value", name)
	}
	return rest, value, nil
}

// takeOptions takes several options out of the arguments, those that are given.
func takeOptions(args []string, names ...string) ([]string, url.Values, error) {
	given := url.Values{}
	for _, name := range names {
		rest, value, err := takeOption(args, name)
		if err != nil {
			return nil, nil, err
		}
		if args = rest; value != "" {
			given.Set(name, value)
		}
	}
	return args, given, nil
}

// plainError says an error to the person at the terminal.
func plainError(err error) string {
	var e *slipway.Error
	if !errors.As(err, &e) {
		return err.Error()
	}
	var b strings.Builder
	b.WriteString(e.Text.EN)
	for _, p := range e.Problems {
		b.WriteString("\n  " + p.Path + ": " + p.Text.EN)
	}
	return b.String()
}
