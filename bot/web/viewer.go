package web

import (
	"net/http"
	"strings"
	"time"
	"unicode/utf8"

	"slipway"
	"slipway/bot"
)

// viewer is for whom a page is made: their language, their clock.
type viewer struct {
	User *slipway.User // nil at the door
	Lang slipway.Lang
	zone *time.Location
	now  time.Time
}

func (w *Web) viewer(u *slipway.User) viewer {
	zone, err := time.LoadLocation(u.TimeZone)
	if err != nil {
		zone = time.UTC
	}
	return viewer{User: u, Lang: slipway.ParseLang(string(u.Locale)), zone: zone, now: w.Now()}
}

func (w *Web) stranger(r *http.Request) viewer {
	return viewer{Lang: w.langOf(r, nil), zone: time.UTC, now: w.Now()}
}

// Admin tells whether the person is an admin.
func (v viewer) Admin() bool { return v.User != nil && v.User.Role == slipway.RoleAdmin }

func (v viewer) say(en, zh string, args ...any) string { return slipway.T(en, zh, args...).In(v.Lang) }

// moment is a point in time as a page shows it.
type moment struct {
	ISO   string // for machines
	Text  string // short, in the person's zone
	Title string // in full, with the zone
}

// Time shows Unix seconds; nil for zero.
func (v viewer) Time(unix int64) *moment {
	if unix == 0 {
		return nil
	}
	return v.moment(time.Unix(unix, 0))
}

// Milli shows Unix milliseconds; nil for zero.
func (v viewer) Milli(ms int64) *moment {
	if ms == 0 {
		return nil
	}
	return v.moment(time.UnixMilli(ms))
}

func (v viewer) moment(t time.Time) *moment {
	t, now := t.In(v.zone), v.now.In(v.zone)
	m := &moment{
		ISO:   t.UTC().Format(time.RFC3339),
		Title: t.Format("2006-01-02 15:04:05 MST (-07:00)"),
	}
	day := func(t time.Time) string { return t.Format("2006-01-02") }
	switch {
	case day(t) == day(now):
		m.Text = v.say("today ", "今天 ") + t.Format("15:04")
	case day(t) == day(now.AddDate(0, 0, -1)):
		m.Text = v.say("yesterday ", "昨天 ") + t.Format("15:04")
	case day(t) == day(now.AddDate(0, 0, 1)):
		m.Text = v.say("tomorrow ", "明天 ") + t.Format("15:04")
	case t.Year() == now.Year():
		m.Text = t.Format(v.say("2 Jan 15:04", "1月2日 15:04"))
	default:
		m.Text = t.Format(v.say("2 Jan 2006 15:04", "2006年1月2日 15:04"))
	}
	return m
}

// Zone names the person's time zone with its distance from UTC.
func (v viewer) Zone() string {
	if name := v.zone.String(); name != "UTC" {
		return name + v.now.In(v.zone).Format(" (UTC-07:00)")
	}
	return "UTC"
}

// localTime and parseLocal are how a date-time field writes and reads Unix seconds.
func (v viewer) localTime(unix int64) string {
	t := time.Unix(unix, 0).In(v.zone)
	if t.Second() != 0 {
		return t.Format("2006-01-02T15:04:05")
	}
	return t.Format("2006-01-02T15:04")
}

func (v viewer) parseLocal(s string) (int64, bool) {
	for _, layout := range []string{"2006-01-02T15:04", "2006-01-02T15:04:05"} {
		if t, err := time.ParseInLocation(layout, s, v.zone); err == nil {
			return t.Unix(), true
		}
	}
	return 0, false
}

// duration says how long something took, from milliseconds.
func (v viewer) Duration(ms int64) string {
	d := time.Duration(ms) * time.Millisecond
	switch {
	case d < time.Second:
		return v.say("%d ms", "%d 毫秒", ms)
	case d < time.Minute:
		return v.say("%.1f s", "%.1f 秒", d.Seconds())
	case d < time.Hour:
		return v.say("%d min %d s", "%d 分 %d 秒", int(d.Minutes()), int(d.Seconds())%60)
	}
	return v.say("%d h %d min", "%d 小时 %d 分", int(d.Hours()), int(d.Minutes())%60)
}

// Took says in a word how long something took, from milliseconds.
func (v viewer) Took(ms int64) string {
	return bot.TookText(time.Duration(ms) * time.Millisecond).In(v.Lang)
}

// Between is how long something took, and Since how long it has taken by now, in
// milliseconds from Unix milliseconds.
func (viewer) Between(from, to int64) int64 { return max(0, to-from) }

// Since see Between.
func (v viewer) Since(from int64) int64 { return max(1, v.now.UnixMilli()-from) }

// initials stand in a person's avatar.
func initials(name string) string {
	words := strings.Fields(name)
	if len(words) == 0 {
		return "?"
	}
	first, _ := utf8.DecodeRuneInString(words[0])
	if len(words) == 1 || first > 0x2e80 {
		return strings.ToUpper(string(first))
	}
	last, _ := utf8.DecodeRuneInString(words[len(words)-1])
	return strings.ToUpper(string(first) + string(last))
}
