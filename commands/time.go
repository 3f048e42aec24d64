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

// ParseSpan reads a span of days or times as people type it, in their zone: a day as the
// end is that whole day, and an empty start is now. The result is Unix seconds; the end is
// the first second after.
func ParseSpan(start, end string, now time.Time, zone *time.Location) (from, to int64, err error) {
	from = now.Unix()
	if start != "" {
		if day, ok := parseDay(start, now.In(zone)); ok {
			from = day.Unix()
		} else if from, err = ParseTime(start, now, zone); err != nil {
			return 0, 0, err
		}
	}
	if day, ok := parseDay(end, now.In(zone)); ok {
		return from, day.AddDate(0, 0, 1).Unix(), nil
	}
	to, err = ParseTime(end, now, zone)
	return from, to, err
}

// parseDay reads a day: "2026-12-05", "tomorrow", "后天", "12-05" and "12月5日" (the next
// one).
func parseDay(s string, now time.Time) (time.Time, bool) {
	s = strings.ToLower(strings.TrimSpace(s))
	if n, ok := days[s]; ok {
		return time.Date(now.Year(), now.Month(), now.Day()+n, 0, 0, 0, 0, now.Location()), true
	}
	for _, layout := range []string{"2006-1-2", "2006/1/2", "2006年1月2日"} {
		if t, err := time.ParseInLocation(layout, s, now.Location()); err == nil {
			return t, true
		}
	}
	for _, layout := range []string{"1-2", "1月2日"} {
		t, err := time.ParseInLocation(layout, s, now.Location())
		if err != nil {
			continue
		}
		year := now.Year()
		if t.Month() < now.Month() || t.Month() == now.Month() && t.Day() < now.Day() {
			year++
		}
		return time.Date(year, t.Month(), t.Day(), 0, 0, 0, 0, now.Location()), true
	}
	return time.Time{}, false
}
