package slipway

import (
	"encoding/json"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// Period is how long something may take. Zero says nothing; Never says that it does not
// happen at all, whatever holds elsewhere.
type Period time.Duration

// Never is the period that does not end.
const Never Period = -1

// The bounds of a period.
const (
	minPeriod = Period(time.Minute)
	maxPeriod = Period(90 * 24 * time.Hour)
)

var daysWord = regexp.MustCompile(`^(\d{1,3})d(.*)$`)

// ParsePeriod reads "4h", "90m", "3d", "1d12h" or "never".
func ParsePeriod(s string) (Period, bool) {
	s = strings.ToLower(strings.TrimSpace(s))
	if s == "never" {
		return Never, true
	}
	days := 0
	if m := daysWord.FindStringSubmatch(s); m != nil {
		days, _ = strconv.Atoi(m[1])
		s = m[2]
		if s == "" {
			s = "0m"
		}
	}
	d, err := time.ParseDuration(s)
	p := Period(d) + Period(days)*Period(24*time.Hour)
	return p, err == nil && p >= minPeriod && p <= maxPeriod
}

// String writes a period as ParsePeriod reads it; "" is the zero period.
func (p Period) String() string {
	if p == 0 {
		return ""
	}
	if p == Never {
		return "never"
	}
	s := time.Duration(p).String() // 4h0m0s
	if strings.HasSuffix(s, "m0s") {
		s = strings.TrimSuffix(s, "0s")
	}
	if strings.HasSuffix(s, "h0m") {
		s = strings.TrimSuffix(s, "0m")
	}
	return s
}

// MarshalJSON implements json.Marshaler.
func (p Period) MarshalJSON() ([]byte, error) { return json.Marshal(p.String()) }

// UnmarshalJSON reads what MarshalJSON writes.
func (p *Period) UnmarshalJSON(data []byte) error {
	var s string
	if err := json.Unmarshal(data, &s); err != nil {
		return err
	}
	if s == "" {
		*p = 0
		return nil
	}
	read, ok := ParsePeriod(s)
	if !ok {
		return fmt.Errorf("a period such as 4h is expected, not %q", s)
	}
	*p = read
	return nil
}

// Text says a period for people.
func (p Period) Text() Text {
	d := time.Duration(p)
	days, hours, minutes := int(d/(24*time.Hour)), int(d%(24*time.Hour)/time.Hour), int(d%time.Hour/time.Minute)
	if d <= 72*time.Hour { // people say 36 hours, and 4 days
		days, hours = 0, int(d/time.Hour)
	}
	var parts []Text
	for _, x := range []struct {
		n      int
		en, zh string
	}{{days, "day", " 天"}, {hours, "hour", " 小时"}, {minutes, "minute", " 分钟"}} {
		if x.n == 1 {
			parts = append(parts, T("1 "+x.en, "1"+x.zh))
		} else if x.n > 1 {
			parts = append(parts, T("%[1]d "+x.en+"s", "%[1]d"+x.zh, x.n))
		}
	}
	return joinTexts(parts, Text{EN: " ", ZH: " "}, Text{EN: " ", ZH: " "})
}
