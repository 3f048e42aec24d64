package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"os"
	"strings"
	"time"

	"slipway"
	"slipway/bot"
	"slipway/storage"
)

// verdict is how a check came out.
type verdict string

const (
	healthy   verdict = "ok"
	doubtful  verdict = "warning" // it works, but hardly as meant
	unhealthy verdict = "fault"
)

// mark is what stands before the line.
func (v verdict) mark() string {
	return map[verdict]string{healthy: "✓", doubtful: "!", unhealthy: "✗"}[v]
}

// diagnosis is the result of one check.
type diagnosis struct {
	area    slipway.Text
	verdict verdict
	what    slipway.Text
	mend    slipway.Text // how to put it right
}

// patience is how long one check of the doctor may take.
const patience = 15 * time.Second

// doctor looks at everything that Slipway needs, without the server and without
// changing anything.
type doctor struct {
	config *config
	lang   slipway.Lang
	out    io.Writer // nil: nothing is printed on the way
	log    *slog.Logger
	found  []diagnosis
}

// doctorCommand prints a line for each check and fails if anything is broken.
func doctorCommand(ctx context.Context, args []string, configPath string, p process) error {
	args, asJSON := takeFlag(args, "json")
	args, lang, err := takeLang(args, p)
	if err != nil {
		return err
	}
	args, click, err := takeOption(args, "click")
	if err != nil {
		return err
	}
	if len(args) > 0 {
		return fmt.Errorf("doctor does not know %q", args[0])
	}
	d := &doctor{lang: lang, out: p.stdout, log: slog.New(slog.DiscardHandler)}
	if asJSON {
		d.out = nil
	}
	if d.config, err = loadConfig(configPath, p); err != nil {
		// The problems name keys and say what is expected; they are English everywhere.
		d.note(areaConfig, unhealthy, slipway.T("%s", "%s", err.Error()), slipway.T("put the named keys right", "请修正上面列出的配置项"))
	} else {
		d.examine(ctx)
		if click != "" {
			d.click(ctx, click)
		}
	}
	if asJSON {
		err = d.writeJSON(p.stdout)
	} else {
		err = d.conclude(p.stdout)
	}
	if err == nil && d.count(unhealthy) > 0 {
		return exitCode(1)
	}
	return err
}

// The areas that are looked at.
var (
	areaConfig   = slipway.T("configuration", "配置")
	areaDatabase = slipway.T("database", "数据库")
	areaRedis    = slipway.T("Redis", "Redis")
	areaAddress  = slipway.T("address", "访问地址")
	areaMail     = slipway.T("mail", "邮件")
	areaRooms    = slipway.T("rooms", "会话")
	areaEngines  = slipway.T("engines", "引擎")
	areaJira     = slipway.T("Jira", "Jira")
	areaClick    = slipway.T("button", "按钮")
)

// note keeps a result, and prints it at once: some checks take their time.
func (d *doctor) note(area slipway.Text, v verdict, what, mend slipway.Text) {
	g := diagnosis{area: area, verdict: v, what: what, mend: mend}
	d.found = append(d.found, g)
	if d.out == nil {
		return
	}
	line := fmt.Sprintf("%s %s%s%s\n", v.mark(), area.In(d.lang), slipway.T(": ", "：").In(d.lang), what.In(d.lang))
	if v != healthy && mend.In(d.lang) != "" {
		line += "    → " + mend.In(d.lang) + "\n"
	}
	// If the terminal is gone, the last line fails too.
	_, _ = io.WriteString(d.out, line)
}

func (d *doctor) well(area slipway.Text, en, zh string, args ...any) {
	d.note(area, healthy, slipway.T(en, zh, args...), slipway.Text{})
}

func (d *doctor) count(v verdict) int {
	n := 0
	for _, g := range d.found {
		if g.verdict == v {
			n++
		}
	}
	return n
}

func (d *doctor) conclude(out io.Writer) error {
	said := slipway.T("All is well.", "一切正常。")
	switch bad, odd := d.count(unhealthy), d.count(doubtful); {
	case bad > 0:
		said = slipway.T("%d to be put right, %d to be looked at.", "有 %d 项需要修复，%d 项需要留意。", bad, odd)
	case odd > 0:
		said = slipway.T("It works; %d to be looked at.", "可以工作，有 %d 项需要留意。", odd)
	}
	_, err := fmt.Fprintf(out, "\n%s\n", said.In(d.lang))
	return err
}

func (d *doctor) writeJSON(out io.Writer) error {
	type row struct {
		Area   string  `json:"area"`
		Result verdict `json:"result"`
		What   string  `json:"what"`
		Mend   string  `json:"mend,omitempty"`
	}
	rows := []row{}
	for _, g := range d.found {
		rows = append(rows, row{g.area.In(d.lang), g.verdict, g.what.In(d.lang), g.mend.In(d.lang)})
	}
	e := json.NewEncoder(out)
	e.SetIndent("", "  ")
	e.SetEscapeHTML(false)
	if err := e.Encode(map[string]any{"ok": d.count(unhealthy) == 0, "checks": rows}); err != nil {
		return fmt.Errorf("print findings: %w", err)
	}
	return nil
}

// examine makes every check that needs nobody's help.
func (d *doctor) examine(ctx context.Context) {
	if w := d.config.warnings(); len(w) > 0 {
		for _, said := range w {
			d.note(areaConfig, doubtful, slipway.T("%s", "%s", said), slipway.Text{})
		}
	} else {
		d.well(areaConfig, "in order", "没有问题")
	}
	for _, check := range []func(context.Context){d.database, d.redis, d.address, d.mail} {
		limited, cancel := context.WithTimeout(ctx, patience)
		check(limited)
		cancel()
	}
	d.engines(ctx)
	d.jira(ctx)
	d.dingtalk(ctx)
	d.withChats(ctx, d.chats)
	d.rooms()
}

// withChats makes the configured chats for a check. What they keep goes into a
// database that is thrown away, so that a broken one of Slipway's is no hindrance.
func (d *doctor) withChats(ctx context.Context, check func(context.Context, []chat)) {
	dir, err := os.MkdirTemp("", "slipway-doctor-")
	if err == nil {
		defer func() { _ = os.RemoveAll(dir) }()
		var store *storage.Store
		if store, err = storage.Open(ctx, storage.Config{Dir: dir, Log: d.log}); err == nil {
			defer func() { _ = store.Close() }()
			err = store.Migrate(ctx)
		}
		var chats []chat
		if err == nil {
			chats, err = d.config.newChats(store, unheard, d.log)
		}
		if err == nil {
			check(ctx, chats)
		}
	}
	if err != nil {
		d.note(areaConfig, unhealthy, slipway.T("%s", "%s", d.hush(err)), slipway.Text{})
	}
}

// chats asks each platform what it finds.
func (d *doctor) chats(ctx context.Context, chats []chat) {
	for _, c := range chats {
		limited, cancel := context.WithTimeout(ctx, 2*patience)
		for _, f := range c.Probe(limited) {
			v := healthy
			if !f.OK {
				v = unhealthy
			}
			d.note(chatName(c.ID()), v, f.What, f.Mend)
		}
		cancel()
	}
	if len(chats) == 0 {
		d.well(slipway.T("chats", "聊天平台"), "neither Slack nor Feishu is connected; the console works without them", "未连接 Slack 和飞书，控制台不受影响")
	}
}

func chatName(id bot.PlatformID) slipway.Text {
	switch id {
	case bot.Slack:
		return slipway.T("Slack", "Slack")
	case bot.Feishu:
		return slipway.T("Feishu", "飞书")
	case bot.Web:
	}
	return slipway.T("console", "控制台")
}

// rooms tells where cards will go.
func (d *doctor) rooms() {
	n := map[bot.PlatformID]int{}
	for _, r := range d.config.Rooms {
		n[bot.PlatformID(r.Platform)]++
	}
	for _, id := range []bot.PlatformID{bot.Slack, bot.Feishu} {
		if d.config.connected(id) && n[id] == 0 {
			d.note(areaRooms, doubtful,
				slipway.T("no room of %s is configured: a plan's card is only shown where the plan was asked for", "没有为 %s 配置会话：发布计划的卡片只出现在新建它的地方", chatName(id)),
				slipway.T("name a room under rooms in slipway.yaml, and invite the bot into it", "在 slipway.yaml 的 rooms 中写上会话，并把机器人邀请进去"))
		}
	}
	if len(n) > 0 {
		d.well(areaRooms, "%d configured", "已配置 %d 个", len(d.config.Rooms))
	}
}

// takeLang takes --lang out of the arguments; without it the terminal's language holds.
func takeLang(args []string, p process) ([]string, slipway.Lang, error) {
	args, value, err := takeOption(args, "lang")
	if err != nil {
		return nil, "", err
	}
	if value != "" && !strings.HasPrefix(value, "en") && !strings.HasPrefix(value, "zh") {
		return nil, "", fmt.Errorf("--lang: en or zh is expected, not %q", value)
	}
	for _, name := range []string{"LC_ALL", "LC_MESSAGES", "LANG"} {
		if v, ok := p.getenv(name); ok && value == "" {
			value = v
		}
	}
	return args, slipway.ParseLang(value), nil
}

// takeFlag takes "--name" out of the arguments and tells whether it was there.
func takeFlag(args []string, name string) ([]string, bool) {
	var rest []string
	for _, arg := range args {
		if arg != "--"+name && arg != "-"+name {
			rest = append(rest, arg)
		}
	}
	return rest, len(rest) < len(args)
}
