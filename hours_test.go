package slipway

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func hoursFor(t testing.TB, week, zone string, off ...string) Hours {
	t.Helper()
	w, err := ParseWorkingHours(week)
	if err != nil {
		t.Fatal(err)
	}
	o, err := ParseHolidays(off)
	if err != nil {
		t.Fatal(err)
	}
	z, err := time.LoadLocation(zone)
	if err != nil {
		t.Fatal(err)
	}
	return Hours{Week: w, Off: o, Zone: z}
}

const minuteLayout = "2006-01-02 15:04"

func TestWorkingHoursAreReadAsPeopleWriteThem(t *testing.T) {
	t.Parallel()
	for typed, want := range map[string]string{
		"Mon-Fri 09:00-18:00":          "Mon-Fri 09:00-18:00",
		"mon-fri 9-18":                 "Mon-Fri 09:00-18:00",
		"Mon – Fri 9 – 18":             "Mon-Fri 09:00-18:00",
		"Mon-Thu 9-12 13-18, Fri 9-15": "Mon-Thu 09:00-12:00 13:00-18:00, Fri 09:00-15:00",
		"Fri 9-15; Mon-Thu 13-18 9-12": "Mon-Thu 09:00-12:00 13:00-18:00, Fri 09:00-15:00",
		"周一至周五 9-18":                   "Mon-Fri 09:00-18:00",
		"周一到周四 9：30-18，周五 9-15:45":     "Mon-Thu 09:30-18:00, Fri 09:00-15:45",
		"工作日 9-18":                     "Mon-Fri 09:00-18:00",
		"weekdays 22-6":                "Mon-Fri 22:00-06:00",
		"Sat-Tue 10-12":                "Mon-Tue 10:00-12:00, Sat-Sun 10:00-12:00",
		"Sunday 8-10":                  "Sun 08:00-10:00",
		"always":                       "Mon-Sun 00:00-24:00",
		"全天":                           "Mon-Sun 00:00-24:00",
		"Mon 18-24, Tue 0-6":           "Mon 18:00-24:00, Tue 00:00-06:00",
		"Mon-Sun 20-8":                 "Mon-Sun 20:00-08:00",
		"Mon 9-10 10-11, Wed 9-9:01":   "Mon 09:00-10:00 10:00-11:00, Wed 09:00-09:01",
		"Mon-Mon 9-18":                 "Mon 09:00-18:00",
		"Wed 9-18, Mon 9-18":           "Mon 09:00-18:00, Wed 09:00-18:00",
		"  Mon-Fri   09:00 - 18:00  ":  "Mon-Fri 09:00-18:00",
		"星期一、星期三 9-18":                 "", // each day has its hours
		"":                             "",
		"Mon-Fri":                      "",
		"9-18":                         "",
		"Mon-Fri 9-9":                  "",
		"Mon-Fri 9-25":                 "",
		"Mon-Fri 9:60-18":              "",
		"Moon-Fri 9-18":                "",
		"Mon-Fri 9-18 17-20":           "",
		"Mon 22-6, Tue 5-9":            "",
		"Sun 22-6, Mon 5-9":            "", // a week is like the next
		"Mon-Fri 9-18, Fri 10-11":      "",
		"Mon-Fri 09:00:00-18:00":       "",
		"Mon-Fri 9-18 " + strings.Repeat("x", 99): "",
	} {
		got, err := ParseWorkingHours(typed)
		switch {
		case want == "":
			wantRefusal(t, err, Invalid)
		case err != nil:
			t.Errorf("%q: %v", typed, err)
		case got.String() != want:
			t.Errorf("%q is read as %q, want %q", typed, got, want)
		default:
			if again, err := ParseWorkingHours(got.String()); err != nil || again.String() != want {
				t.Errorf("%q is read again as %q, %v", got, again, err)
			}
		}
	}
	week, _ := ParseWorkingHours("Mon-Thu 9-18, Fri 9-15")
	if want := (Text{EN: "Mon-Thu 09:00-18:00, Fri 09:00-15:00", ZH: "周一至周四 09:00-18:00，周五 09:00-15:00"}); week.Text() != want {
		t.Errorf("people read %+v", week.Text())
	}
}

func TestHolidaysAreReadAsPeopleWriteThem(t *testing.T) {
	t.Parallel()
	got, err := ParseHolidays(strings.Fields("2026-12-25 2026-10-01..2026-10-07 2026-5-1 2026-05-01 2027-02-06至2027-02-12"))
	want := []string{"2026-05-01", "2026-10-01..2026-10-07", "2026-12-25", "2027-02-06..2027-02-12"}
	if diff := cmp.Diff(want, got.Strings()); err != nil || diff != "" {
		t.Errorf("%v\n%s", err, diff)
	}
	for _, typed := range []string{"2026-02-30", "christmas", "2026-10-07..2026-10-01", "2026-10-01..", "26-10-01", ""} {
		_, err := ParseHolidays([]string{typed})
		wantRefusal(t, err, Invalid)
	}
	_, err = ParseHolidays(strings.Fields(strings.Repeat("2026-12-25 ", MaxHolidays+1)))
	wantRefusal(t, err, Invalid)
}

// 2026-11-24 is a Tuesday. Clocks go back on 2026-10-25 and on at 2026-03-29 in Berlin, back
// on 2026-11-01 and on at 2026-03-08 in New York.
var momentRows = []struct {
	week, zone string
	off        []string
	at, next   string // UTC; "": none
}{
	{"Mon-Fri 9-18", "UTC", nil, "2026-11-24 12:00", "2026-11-24 12:00"},
	{"Mon-Fri 9-18", "UTC", nil, "2026-11-24 09:00", "2026-11-24 09:00"},
	{"Mon-Fri 9-18", "UTC", nil, "2026-11-24 08:59", "2026-11-24 09:00"},
	{"Mon-Fri 9-18", "UTC", nil, "2026-11-24 18:00", "2026-11-25 09:00"}, // the end is no working moment
	{"Mon-Fri 9-18", "UTC", nil, "2026-11-27 18:30", "2026-11-30 09:00"}, // over the weekend
	{"Mon-Thu 9-12 13-18, Fri 9-15", "UTC", nil, "2026-11-24 12:10", "2026-11-24 13:00"},
	{"Mon-Thu 9-12 13-18, Fri 9-15", "UTC", nil, "2026-11-27 15:00", "2026-11-30 09:00"},
	// Zones.
	{"Mon-Fri 9-18", "Asia/Shanghai", nil, "2026-11-24 00:30", "2026-11-24 01:00"},
	{"Mon-Fri 9-18", "Asia/Shanghai", nil, "2026-11-24 10:00", "2026-11-25 01:00"},
	{"Mon-Fri 9-18", "Asia/Shanghai", nil, "2026-11-29 23:00", "2026-11-30 01:00"}, // Monday there
	{"Mon-Fri 9-18", "America/New_York", nil, "2026-11-24 13:59", "2026-11-24 14:00"},
	{"Mon-Fri 9-18", "America/New_York", nil, "2026-11-27 23:30", "2026-11-30 14:00"},
	{"Mon-Fri 9-18", "Asia/Kathmandu", nil, "2026-11-24 03:14", "2026-11-24 03:15"},
	// The clock is changed.
	{"Mon-Fri 9-18", "Europe/Berlin", nil, "2026-10-23 16:00", "2026-10-26 08:00"},
	{"Mon-Fri 9-18", "Europe/Berlin", nil, "2026-03-27 17:00", "2026-03-30 07:00"},
	{"Sun 2-3, Mon 9-18", "Europe/Berlin", nil, "2026-03-28 12:00", "2026-03-30 07:00"}, // that hour is not there
	{"Sun 1-4", "Europe/Berlin", nil, "2026-03-29 00:30", "2026-03-29 00:30"},
	{"Sun 2-3", "America/New_York", nil, "2026-11-01 06:30", "2026-11-01 07:00"},
	// Holidays.
	{"Mon-Fri 9-18", "UTC", []string{"2026-11-25"}, "2026-11-24 18:00", "2026-11-26 09:00"},
	{"Mon-Fri 9-18", "UTC", []string{"2026-11-24"}, "2026-11-24 12:00", "2026-11-25 09:00"},
	{"Mon-Fri 9-18", "Asia/Shanghai", []string{"2026-10-01..2026-10-07"}, "2026-09-30 10:00", "2026-10-08 01:00"},
	{"Mon-Fri 9-18", "UTC", []string{"2026-11-25..2026-11-26", "2026-11-26..2026-12-01"}, "2026-11-24 20:00", "2026-12-02 09:00"},
	// Over midnight.
	{"Mon-Fri 22-6", "UTC", nil, "2026-11-24 23:00", "2026-11-24 23:00"},
	{"Mon-Fri 22-6", "UTC", nil, "2026-11-28 05:59", "2026-11-28 05:59"}, // Friday's, on Saturday
	{"Mon-Fri 22-6", "UTC", nil, "2026-11-28 06:00", "2026-11-30 22:00"},
	{"Mon-Fri 22-6", "UTC", nil, "2026-11-30 03:00", "2026-11-30 22:00"}, // Sunday has none
	{"Mon-Fri 22-6", "UTC", []string{"2026-11-25"}, "2026-11-24 23:59", "2026-11-24 23:59"},
	{"Mon-Fri 22-6", "UTC", []string{"2026-11-25"}, "2026-11-25 01:00", "2026-11-26 22:00"},
	{"always", "UTC", nil, "2026-11-28 03:00", "2026-11-28 03:00"},
	{"always", "UTC", []string{"2026-11-28"}, "2026-11-28 03:00", "2026-11-29 00:00"},
	{"Mon-Fri 9-18", "UTC", []string{"2026-01-01..2036-01-01"}, "2026-11-24 12:00", ""},
}

func TestTheNextWorkingMoment(t *testing.T) {
	t.Parallel()
	for _, row := range momentRows {
		at, err := time.Parse(minuteLayout, row.at)
		if err != nil {
			t.Fatal(err)
		}
		h := hoursFor(t, row.week, row.zone, row.off...)
		got := ""
		if next, ok := h.Next(at); ok {
			got = next.UTC().Format(minuteLayout)
			if !h.Open(next) {
				t.Errorf("%s is not open", got)
			}
		}
		if got != row.next || h.Open(at) != (row.at == row.next) {
			t.Errorf("%s in %s without %v: after %s comes %q, want %q (open %v)", row.week, row.zone, row.off, row.at, got, row.next, h.Open(at))
		}
	}
}

func TestWorkingTimePasses(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		week, zone string
		off        []string
		since      string
		time       time.Duration
		at         string
	}{
		{"Mon-Fri 9-18", "UTC", nil, "2026-11-24 10:00", 4 * time.Hour, "2026-11-24 14:00"},
		{"Mon-Fri 9-18", "UTC", nil, "2026-11-24 16:00", 2 * time.Hour, "2026-11-24 18:00"},
		{"Mon-Fri 9-18", "UTC", nil, "2026-11-24 16:00", 4 * time.Hour, "2026-11-25 11:00"},
		{"Mon-Fri 9-18", "UTC", nil, "2026-11-24 20:00", time.Hour, "2026-11-25 10:00"},
		{"Mon-Fri 9-18", "UTC", nil, "2026-11-27 17:00", 24 * time.Hour, "2026-12-02 14:00"},
		{"Mon-Fri 9-18", "UTC", []string{"2026-11-25"}, "2026-11-24 17:00", 2 * time.Hour, "2026-11-26 10:00"},
		{"Mon-Fri 9-12 13-18", "UTC", nil, "2026-11-24 11:00", 2 * time.Hour, "2026-11-24 14:00"},
		{"Mon-Fri 22-6", "UTC", nil, "2026-11-24 23:00", 8 * time.Hour, "2026-11-25 23:00"},
		// The night in which the clock goes back has an hour more, the other one less.
		{"Sat-Sun 0-24", "Europe/Berlin", nil, "2026-10-24 22:00", 25 * time.Hour, "2026-10-25 23:00"},
		{"Sun 0-24", "Europe/Berlin", nil, "2026-03-28 23:00", 24 * time.Hour, "2026-04-04 23:00"},
		{"Mon-Fri 9-18", "Asia/Shanghai", []string{"2026-10-01..2026-10-07"}, "2026-09-30 09:30", time.Hour, "2026-10-08 01:30"},
	} {
		since, err := time.Parse(minuteLayout, row.since)
		if err != nil {
			t.Fatal(err)
		}
		at, ok := hoursFor(t, row.week, row.zone, row.off...).After(since, row.time)
		if got := at.UTC().Format(minuteLayout); !ok || got != row.at {
			t.Errorf("%s in %s without %v: %s after %s is %s, want %s", row.week, row.zone, row.off, row.time, row.since, got, row.at)
		}
	}
	if _, ok := hoursFor(t, "Mon-Fri 9-18", "UTC", "2026-01-01..2036-01-01").After(noon, time.Hour); ok {
		t.Error("there is working time in ten years of holidays")
	}
}

// What a user says wins, apart from the holidays of all.
func TestWhoDidNotSayWorksAsEverybodyDoes(t *testing.T) {
	t.Parallel()
	nights, _ := ParseWorkingHours("Mon-Fri 20-22")
	off, _ := ParseHolidays([]string{"2026-11-25"})
	rules := &Rules{Week: nights, Holidays: off}
	for _, row := range []struct {
		user *User
		want string
	}{
		{nil, "2026-11-24 20:00"},
		{&User{TimeZone: "Asia/Shanghai"}, "2026-11-24 12:00"},
		{&User{TimeZone: "nowhere", WorkingHours: "Wed-Thu 9-10"}, "2026-11-26 09:00"},
		{&User{Holidays: []string{"2026-11-24"}}, "2026-11-26 20:00"},
	} {
		if next, _ := row.user.Hours(rules).Next(noon); next.UTC().Format(minuteLayout) != row.want {
			t.Errorf("%+v works at %s, want %s", row.user, next.UTC(), row.want)
		}
	}
	if next, _ := (&User{}).Hours(&Rules{}).Next(noon.Add(7 * time.Hour)); next.UTC().Format(minuteLayout) != "2026-11-25 09:00" {
		t.Errorf("by default people work at %s", next)
	}
}
