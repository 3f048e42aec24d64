package commands

import (
	"regexp"
	"strconv"
	"strings"
	"time"

	"slipway"
)

// parseWireTime reads what documents may hold: RFC 3339, or Unix seconds in digits.
func parseWireTime(s string) (int64, bool) {
	s = strings.TrimSpace(s)
	if t, err := time.Parse(time.RFC3339, s); err == nil {
		return t.Unix(), true
	}
	// YAML's own way to write a time has a blank before the clock or the zone.
	for _, layout := range []string{"2006-01-02 15:04:05Z07:00", "2006-01-02 15:04:05 Z07:00"} {
		if t, err := time.Parse(layout, s); err == nil {
			return t.Unix(), true
		}
	}
	if n, err := strconv.ParseInt(s, 10, 64); err == nil && len(s) >= 9 {
		return n, true
	}
	return 0, false
}

var days = map[string]int{"today": 0, "今天": 0, "tomorrow": 1, "明天": 1, "后天": 2}

var (
	clockWord = regexp.MustCompile(`^(\d{1,2})[:：](\d{2})$`)
	inWord    = regexp.MustCompile(`^\+(\d{1,4})(m|h|d)$`)
)

// ParseTime reads a time as people type it, in their zone: "2026-11-24 22:00",
// "22:00" (the next one), "tomorrow 22:00", "明天 22:00", "+2h", RFC 3339, or Unix
// seconds. The result is Unix seconds.
func ParseTime(s string, now time.Time, zone *time.Location) (int64, error) {
	s = strings.TrimSpace(s)
	if at, ok := parseWireTime(s); ok {
		return at, nil
	}
	for _, layout := range []string{"2006-01-02 15:04", "2006-01-02T15:04", "2006-01-02 15:04:05", "2006/01/02 15:04", "2006-1-2 15:04"} {
		if t, err := time.ParseInLocation(layout, s, zone); err == nil {
			return t.Unix(), nil
		}
	}
	if m := inWord.FindStringSubmatch(s); m != nil {
		n, _ := strconv.Atoi(m[1])
		unit := map[string]time.Duration{"m": time.Minute, "h": time.Hour, "d": 24 * time.Hour}[m[2]]
		return now.Add(time.Duration(n) * unit).Unix(), nil
	}
	if t, ok := dayAndClock(s, now.In(zone)); ok {
		return t.Unix(), nil
	}
	return 0, slipway.Refuse(slipway.Invalid,
		"%q is not a time that is understood. Write 2026-11-24 22:00, 22:00, tomorrow 22:00 or +2h (your zone is %s).",
		"无法识别时间 %q。可以写 2026-11-24 22:00、22:00、明天 22:00 或 +2h（您的时区为 %s）。", s, zone)
}

// dayAndClock reads "tomorrow 22:00" and "22:00".
func dayAndClock(s string, now time.Time) (time.Time, bool) {
	words := strings.Fields(strings.ToLower(s))
	day, named := 0, false
	if len(words) == 2 {
		if day, named = days[words[0]]; !named {
			return time.Time{}, false
		}
		words = words[1:]
	}
	if len(words) != 1 {
		return time.Time{}, false
	}
	m := clockWord.FindStringSubmatch(words[0])
	if m == nil {
		return time.Time{}, false
	}
	hour, _ := strconv.Atoi(m[1])
	minute, _ := strconv.Atoi(m[2])
	if hour > 23 || minute > 59 {
		return time.Time{}, false
	}
	t := time.Date(now.Year(), now.Month(), now.Day()+day, hour, minute, 0, 0, now.Location())
	if !named && !t.After(now) {
		t = t.AddDate(0, 0, 1)
	}
	return t, true
}

// ParsePeriod reads a period that lies behind, as people type it, in their zone: times as
// ParseTime reads them, but "22:00" is the last one; besides, "2h" and "3d" ago, "yesterday
// 22:00", and a day alone, "2026-11-24", "today" or "yesterday", which counts from its
// beginning and until its end. Nothing typed is no bound. The results are Unix
// milliseconds, 0 for no bound; the second one is not part of the period.
func ParsePeriod(since, until string, now time.Time, zone *time.Location) (from, to int64, err error) {
	now = now.In(zone)
	if from, err = parsePast(since, now, 0); err != nil {
		return 0, 0, err
	}
	if to, err = parsePast(until, now, 1); err != nil {
		return 0, 0, err
	}
	if from != 0 && to != 0 && to <= from {
		return 0, 0, slipway.Refuse(slipway.Invalid, "The period ends before it begins: from %[1]q until %[2]q.",
			"时间段的结束早于开始：从 %[1]q 到 %[2]q。", since, until)
	}
	return from, to, nil
}

var (
	agoWord  = regexp.MustCompile(`^-?(\d{1,4}) ?(m|min|h|d|分钟|小时|天)(?: ago|前)?$`)
	agoUnits = map[string]time.Duration{
		"m": time.Minute, "min": time.Minute, "h": time.Hour, "d": 24 * time.Hour, "分钟": time.Minute, "小时": time.Hour, "天": 24 * time.Hour,
	}
	pastDays = map[string]int{"today": 0, "今天": 0, "yesterday": -1, "昨天": -1, "前天": -2}
)

// parsePast reads a time that lies behind; of a day alone, the beginning of the day so many
// days later.
func parsePast(s string, now time.Time, later int) (int64, error) {
	typed := s
	s = strings.ToLower(strings.TrimSpace(s))
	if s == "" {
		return 0, nil
	}
	if m := agoWord.FindStringSubmatch(s); m != nil {
		n, _ := strconv.Atoi(m[1])
		return now.Add(-time.Duration(n) * agoUnits[m[2]]).UnixMilli(), nil
	}
	for _, layout := range []string{"2006-01-02", "2006/01/02", "2006-1-2"} {
		if t, err := time.ParseInLocation(layout, s, now.Location()); err == nil {
			return t.AddDate(0, 0, later).UnixMilli(), nil
		}
	}
	day, clock, timed := strings.Cut(s, " ")
	if n, named := pastDays[day]; named {
		if !timed {
			return time.Date(now.Year(), now.Month(), now.Day()+n+later, 0, 0, 0, 0, now.Location()).UnixMilli(), nil
		}
		if t, ok := dayAndClock("today "+strings.TrimSpace(clock), now); ok {
			return t.AddDate(0, 0, n).UnixMilli(), nil
		}
	}
	if t, ok := dayAndClock(s, now); ok && clockWord.MatchString(s) {
		if t.After(now) {
			t = t.AddDate(0, 0, -1)
		}
		return t.UnixMilli(), nil
	}
	at, err := ParseTime(typed, now, now.Location())
	if err != nil {
		return 0, slipway.Refuse(slipway.Invalid,
			"%q is not a time that is understood. Write 2026-11-24, 2026-11-24T22:00, 22:00, yesterday or 2h for two hours ago (your zone is %s).",
			"无法识别时间 %q。可以写 2026-11-24、2026-11-24T22:00、22:00、昨天，或以 2h 表示两小时前（您的时区为 %s）。", typed, now.Location())
	}
	return at * 1000, nil
}
