package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"slipway"
	"slipway/bot"
	"slipway/tasks"
)

func (d *doctor) database(ctx context.Context) {
	name := "PostgreSQL"
	if d.config.embedded() {
		name = "SQLite"
		// Opening it would make the file.
		if _, err := os.Stat(filepath.Join(d.config.DataDir, "slipway.db")); errors.Is(err, fs.ErrNotExist) {
			d.well(areaDatabase, "SQLite; the first start makes it in %s", "SQLite，首次启动时在 %s 中创建", d.config.DataDir)
			return
		}
	}
	store, err := d.config.openStore(ctx, d.log)
	if err != nil {
		d.note(areaDatabase, unhealthy, slipway.T("%s does not answer: %s", "%s 没有应答：%s", name, d.hush(err)),
			slipway.T("check SLIPWAY_DATABASE_URL, and whether the server can be reached from here", "请检查 SLIPWAY_DATABASE_URL，以及能否从本机访问数据库"))
		return
	}
	defer func() { _ = store.Close() }()
	switch n, err := store.Pending(ctx); {
	case err != nil:
		d.note(areaDatabase, unhealthy, slipway.T("%s: the schema cannot be read: %s", "%s：无法读取表结构：%s", name, d.hush(err)),
			slipway.T("the user of SLIPWAY_DATABASE_URL needs to own the schema", "SLIPWAY_DATABASE_URL 中的用户需要是该 schema 的所有者"))
	case n > 0:
		d.note(areaDatabase, doubtful, slipway.T("%s answers; %d migration(s) are due", "%s 正常，有 %d 个迁移待执行", name, n),
			slipway.T("the next start brings them in, or `slipway migrate`", "下次启动时自动执行，也可以运行 slipway migrate"))
	default:
		d.well(areaDatabase, "%s answers, and the schema is up to date", "%s 正常，表结构是最新的", name)
	}
}

// hush leaves secrets out of an error.
func (d *doctor) hush(err error) string {
	c := d.config
	all := []secret{
		c.DatabaseURL, c.RedisURL, c.AdminToken, c.SecretKey, c.SMTPURL, c.Slack.BotToken, c.Slack.AppToken, c.Slack.SigningSecret,
		c.Feishu.AppSecret, c.Feishu.EncryptKey, c.Feishu.VerificationToken,
		c.Zadig.Token, c.Zadig.WebhookToken, c.ZadigChecks.Token, c.GitHub.Token, c.GitHub.AppKey, c.GitHub.WebhookSecret,
		c.GitLab.Token, c.GitLab.WebhookToken, c.Jenkins.Token, c.Jenkins.WebhookToken, c.Jira.Token,
		c.DingTalk.AppSecret, c.DingTalk.CallbackToken, c.DingTalk.CallbackKey,
	}
	var texts []string
	for _, s := range all {
		texts = append(texts, string(s))
		if u, err := url.Parse(string(s)); err == nil && u.User != nil {
			password, _ := u.User.Password()
			texts = append(texts, password)
		}
	}
	for _, engine := range c.engineSecrets {
		texts = slices.AppendSeq(texts, maps.Values(engine))
	}
	return strings.ReplaceAll(slipway.Hide(err.Error(), texts...), "\n", "; ")
}

// farClock is how far two clocks may be apart.
const farClock = 5 * time.Second

func (d *doctor) redis(ctx context.Context) {
	if d.config.RedisURL == "" {
		d.well(areaRedis, "in process; enough for one process", "使用进程内的 Redis，单进程部署足够")
		return
	}
	r, err := tasks.OpenRedis(tasks.RedisConfig{URL: string(d.config.RedisURL), Now: time.Now, Rand: rand.Reader, Log: d.log})
	if err == nil {
		defer func() { _ = r.Close() }()
		err = r.Ping(ctx).Err()
	}
	if err != nil {
		d.note(areaRedis, unhealthy, slipway.T("it does not answer: %s", "没有应答：%s", d.hush(err)),
			slipway.T("check SLIPWAY_REDIS_URL; until it answers, work waits", "请检查 SLIPWAY_REDIS_URL；在恢复之前，后台任务会等待"))
		return
	}
	facts := redisFacts(r.Info(ctx, "server", "persistence", "memory").Val())
	d.well(areaRedis, "version %s answers", "正常，版本 %s", facts["redis_version"])
	if policy := facts["maxmemory_policy"]; policy != "" && policy != "noeviction" && facts["maxmemory"] != "0" {
		d.note(areaRedis, doubtful, slipway.T("it may throw queued work away: maxmemory-policy is %s", "内存不足时可能丢弃排队的任务：maxmemory-policy 为 %s", policy),
			slipway.T("set maxmemory-policy to noeviction", "请把 maxmemory-policy 设为 noeviction"))
	}
	if facts["aof_enabled"] == "0" && facts["rdb_last_save_time"] != "" {
		d.well(areaRedis, "its append-only file is off: what waits there is put there again from the database after a restart", "未开启 AOF：重启后，排队的任务会根据数据库重新放入")
	}
	if theirs, err := r.Time(ctx).Result(); err == nil {
		if off := time.Since(theirs).Abs(); off > farClock {
			d.note(areaRedis, doubtful, slipway.T("its clock and the one of this machine are %s apart", "与本机的时钟相差 %s", off.Round(time.Second)),
				slipway.T("set the clocks by NTP", "请使用 NTP 校准时钟"))
		}
	}
}

// redisFacts reads the answer of INFO.
func redisFacts(info string) map[string]string {
	facts := map[string]string{}
	for line := range strings.Lines(info) {
		if k, v, ok := strings.Cut(strings.TrimSpace(line), ":"); ok {
			facts[k] = v
		}
	}
	return facts
}

// address looks whether the public address leads to Slipway, and to its entrances for
// outside systems.
func (d *doctor) address(ctx context.Context) {
	public := d.config.publicURL()
	called := d.config.Slack.http() || d.config.Feishu.http() // then nothing works without it
	serious := doubtful
	if called {
		serious = unhealthy
	}
	status, body, err := d.ask(ctx, http.MethodGet, public+"/healthz", "")
	switch {
	case err != nil:
		d.note(areaAddress, serious, slipway.T("%s does not answer from here: %s", "从本机访问 %s 没有应答：%s", public, d.hush(err)),
			slipway.T("start Slipway, or set SLIPWAY_PUBLIC_URL to how others reach it", "请启动 Slipway，或把 SLIPWAY_PUBLIC_URL 设为对外的访问地址"))
		return
	case status != http.StatusOK || strings.TrimSpace(body) != "ok":
		d.note(areaAddress, serious, slipway.T("%s is not Slipway: /healthz answers %d", "%s 不是 Slipway：/healthz 返回 %d", public, status),
			slipway.T("have the proxy pass every path on to SLIPWAY_LISTEN", "请让反向代理把所有路径转发到 SLIPWAY_LISTEN"))
		return
	}
	d.well(areaAddress, "%s leads to Slipway", "%s 可以访问到 Slipway", public)
	d.entrance(ctx, public+"/api/callback/release_plan", areaAddress)
	if d.config.Slack.http() {
		d.entrance(ctx, public+"/slack/events", chatName(bot.Slack))
	}
	if d.config.Feishu.http() {
		d.entrance(ctx, public+"/feishu/events", chatName(bot.Feishu))
	}
	for name, token := range d.config.webhookTokens() {
		if token != "" {
			d.entrance(ctx, public+"/api/engine/"+name, engineArea(name))
		}
	}
}

// entrance knocks without a key: who answers at all, and does not let us in, is right.
func (d *doctor) entrance(ctx context.Context, address string, area slipway.Text) {
	status, _, err := d.ask(ctx, http.MethodPost, address, "{}")
	switch {
	case err != nil:
		d.note(area, unhealthy, slipway.T("%s does not answer: %s", "%s 没有应答：%s", address, d.hush(err)),
			slipway.T("have the proxy pass POST on", "请让反向代理放行 POST 请求"))
	case status == http.StatusNotFound || status == http.StatusMethodNotAllowed || status >= 500 || status < 400:
		d.note(area, unhealthy, slipway.T("%s answers an empty call with %d", "对空请求，%s 返回 %d", address, status),
			slipway.T("the running Slipway needs the same settings, and the proxy has to pass the path on", "正在运行的 Slipway 需要使用同样的配置，反向代理需要转发此路径"))
	default:
		d.well(area, "%s answers, and refuses an empty call", "%s 正常，并会拒绝空请求", address)
	}
}

// ask makes a request of the doctor's own. It follows no redirect: a sign-in page is
// no answer.
func (d *doctor) ask(ctx context.Context, method, address, body string) (int, string, error) {
	req, err := http.NewRequestWithContext(ctx, method, address, strings.NewReader(body))
	if err != nil {
		return 0, "", fmt.Errorf("make request: %w", err)
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("User-Agent", "slipway-doctor/"+version)
	c := &http.Client{Timeout: patience / 3, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	res, err := c.Do(req)
	if err != nil {
		return 0, "", err
	}
	defer func() { _ = res.Body.Close() }()
	data, err := io.ReadAll(io.LimitReader(res.Body, 4<<10))
	if err != nil {
		return 0, "", fmt.Errorf("read answer: %w", err)
	}
	return res.StatusCode, string(data), nil
}
