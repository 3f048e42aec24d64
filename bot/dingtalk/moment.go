package dingtalk

import (
	"encoding/json"
	"strconv"
	"time"
)

// beijing is the zone of times that name none.
var beijing = time.FixedZone("", 8*60*60)

// moment is a time in any of the forms in which DingTalk writes it. One that cannot be
// read is the zero time: times are only shown.
type moment struct{ time.Time }

// UnmarshalJSON implements json.Unmarshaler.
func (m *moment) UnmarshalJSON(data []byte) error {
	var text string
	if json.Unmarshal(data, &text) != nil {
		text = string(data)
	}
	m.Time = time.Time{}
	if n, err := strconv.ParseInt(text, 10, 64); err == nil {
		m.Time = time.UnixMilli(n)
		return nil
	}
	for _, layout := range []string{"2006-01-02T15:04Z07:00", time.RFC3339, "2006-01-02T15:04Z0700", "2006-01-02T15:04:05Z0700", time.DateTime} {
		if t, err := time.ParseInLocation(layout, text, beijing); err == nil {
			m.Time = t
			break
		}
	}
	return nil
}

// unix returns the time in Unix seconds, 0 for none. Some organisations are given the time
// in Beijing with a Z behind it, but nothing happened later than now.
func (m moment) unix(now time.Time) int64 {
	if m.IsZero() {
		return 0
	}
	return min(m.Unix(), now.Unix())
}
