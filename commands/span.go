package commands

import (
	"strings"
	"time"
)

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
