package slipway

import (
	"cmp"
	"fmt"
	"iter"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Hours are when somebody works. What waits for working hours never happens at a moment
// for which Open is false.
type Hours struct {
	Week WorkingHours
	Off  Holidays
	Zone *time.Location // nil is UTC
}

// DefaultWeek is when people work of whom nothing else is known.
const DefaultWeek = "Mon-Fri 09:00-18:00"

// WorkingHours are the working hours of a week. The zero value is DefaultWeek.
type WorkingHours struct{ shifts []shift }

// shift is working time that begins on a day of the week. It may end on the next day.
type shift struct {
	day      time.Weekday
	from, to int // minutes after the day's midnight
}

// DateRange is days, both ends included.
type DateRange struct{ First, Last string } // 2026-12-25

// Holidays are days on which nobody works.
type Holidays []DateRange

const (
	minutesOfDay = 24 * 60
	dateLayout   = time.DateOnly
)

var dayNames = []struct {
	day   time.Weekday
	words []string
}{
	{time.Monday, []string{"mon", "monday", "周一", "星期一", "礼拜一"}},
	{time.Tuesday, []string{"tue", "tues", "tuesday", "周二", "星期二", "礼拜二"}},
	{time.Wednesday, []string{"wed", "wednesday", "周三", "星期三", "礼拜三"}},
	{time.Thursday, []string{"thu", "thur", "thurs", "thursday", "周四", "星期四", "礼拜四"}},
	{time.Friday, []string{"fri", "friday", "周五", "星期五", "礼拜五"}},
	{time.Saturday, []string{"sat", "saturday", "周六", "星期六", "礼拜六"}},
	{time.Sunday, []string{"sun", "sunday", "周日", "周天", "星期日", "星期天", "礼拜天"}},
}

// groupsOfDays are words for several days, as from and to.
var groupsOfDays = map[string]string{"工作日": "mon-fri", "weekdays": "mon-fri", "每天": "mon-sun", "daily": "mon-sun", "周末": "sat-sun", "weekend": "sat-sun"}

var (
	dash       = strings.NewReplacer("–", "-", "—", "-", "~", "-", "～", "-", "至", "-", "到", "-", "：", ":", "，", ",", "；", ",", ";", ",", "、", ",")
	aroundDash = regexp.MustCompile(`\s*-\s*`)
	shiftWord  = regexp.MustCompile(`^(\d{1,2})(?::(\d{2}))?-(\d{1,2})(?::(\d{2}))?$`)
	dateWord   = regexp.MustCompile(`^\d{4}-\d{1,2}-\d{1,2}$`)
)

// ParseWorkingHours reads "Mon-Fri 09:00-18:00", "Mon-Thu 9-12 13-18, Fri 9-15" or
// "周一至周五 9-18"; "always" is day and night. A shift that ends before it begins ends on
// the next day.
func ParseWorkingHours(s string) (WorkingHours, error) {
	text := aroundDash.ReplaceAllString(dash.Replace(strings.ToLower(strings.TrimSpace(s))), "-")
	if text == "always" || text == "全天" {
		text = "mon-sun 0-24"
	}
	var h WorkingHours
	for part := range strings.SplitSeq(text, ",") {
		shifts, ok := readShifts(strings.Fields(part))
		if !ok {
			return WorkingHours{}, Refuse(Invalid,
				"%q are no working hours. Write Mon-Fri 09:00-18:00, Mon-Thu 9-12 13-18, Fri 9-15, or always.",
				"无法识别工作时间 %q。可以写：周一至周五 9-18；周一至周四 9-12 13-18，周五 9-15；或“全天”。", s)
		}
		h.shifts = append(h.shifts, shifts...)
	}
	slices.SortFunc(h.shifts, func(a, b shift) int {
		return cmp.Or(cmp.Compare((a.day+6)%7, (b.day+6)%7), cmp.Compare(a.from, b.from))
	})
	for i, x := range h.shifts {
		for _, y := range h.shifts[i+1:] {
			if x.overlaps(y) {
				return WorkingHours{}, Refuse(Invalid, "The working hours %q overlap on %[2]s.", "工作时间 %q 在%[2]s有重叠。", s, dayText(y.day))
			}
		}
	}
	return h, nil
}

// readShifts reads days with the shifts of each.
func readShifts(words []string) ([]shift, bool) {
	if len(words) < 2 {
		return nil, false
	}
	days, ok := readDays(words[0])
	if !ok {
		return nil, false
	}
	var out []shift
	for _, w := range words[1:] {
		m := shiftWord.FindStringSubmatch(w)
		if m == nil {
			return nil, false
		}
		from, to := minutes(m[1], m[2]), minutes(m[3], m[4])
		if from >= minutesOfDay || to > minutesOfDay || from == to || to == 0 && from == 0 {
			return nil, false
		}
		if to < from {
			to += minutesOfDay
		}
		for _, d := range days {
			out = append(out, shift{d, from, to})
		}
	}
	return out, true
}

func readDays(word string) ([]time.Weekday, bool) {
	if group, ok := groupsOfDays[word]; ok {
		word = group
	}
	first, last, several := strings.Cut(word, "-")
	if !several {
		last = first
	}
	from, known := weekday(first)
	to, alsoKnown := weekday(last)
	if !known || !alsoKnown {
		return nil, false
	}
	days := []time.Weekday{from}
	for d := from; d != to; {
		d = (d + 1) % 7
		days = append(days, d)
	}
	return days, true
}

func weekday(word string) (time.Weekday, bool) {
	for _, d := range dayNames {
		if slices.Contains(d.words, word) {
			return d.day, true
		}
	}
	return 0, false
}

func dayText(d time.Weekday) Text {
	words := dayNames[(d+6)%7].words
	return T(d.String(), words[slices.IndexFunc(words, func(w string) bool { return strings.HasPrefix(w, "周") })])
}

// minutes returns what two numbers, hours and minutes, are together; too much if the
// minutes are none.
func minutes(h, m string) int {
	hours, _ := strconv.Atoi(h)
	rest, _ := strconv.Atoi(cmp.Or(m, "0"))
	if rest > 59 {
		return 2 * minutesOfDay
	}
	return hours*60 + rest
}

// overlaps tells whether two shifts of a week share time, one week being like the next.
func (x shift) overlaps(y shift) bool {
	const week = 7 * minutesOfDay
	at := func(s shift) int { return int(s.day)*minutesOfDay + s.from }
	gap := func(a, b shift) int { return ((at(b)-at(a))%week + week) % week }
	return gap(x, y) < x.to-x.from || gap(y, x) < y.to-y.from
}

// String writes working hours as ParseWorkingHours reads them: "Mon-Fri 09:00-18:00".
func (h WorkingHours) String() string {
	if len(h.shifts) == 0 {
		return DefaultWeek
	}
	var days [7]string // from Monday
	for _, s := range h.shifts {
		days[(s.day+6)%7] += fmt.Sprintf(" %02d:%02d-%02d:%02d", s.from/60, s.from%60, s.end()/60, s.end()%60)
	}
	var parts []string
	for i := 0; i < 7; {
		last := i
		for last < 6 && days[last+1] == days[i] {
			last++
		}
		if days[i] != "" {
			name := dayNames[i].day.String()[:3]
			if last > i {
				name += "-" + dayNames[last].day.String()[:3]
			}
			parts = append(parts, name+days[i])
		}
		i = last + 1
	}
	return strings.Join(parts, ", ")
}

// end is the minute at which a shift ends, on the clock.
func (x shift) end() int {
	if x.to > minutesOfDay {
		return x.to - minutesOfDay
	}
	return x.to
}

// Text says working hours in the words of each language.
func (h WorkingHours) Text() Text {
	zh := h.String()
	for _, d := range dayNames {
		zh = strings.ReplaceAll(zh, d.day.String()[:3], dayText(d.day).ZH)
	}
	return T(h.String(), strings.ReplaceAll(regexp.MustCompile(`(周.)-(周.)`).ReplaceAllString(zh, "${1}至${2}"), ", ", "，"))
}

// ParseHolidays reads days, "2026-12-25", and ranges of them, "2026-10-01..2026-10-07".
func ParseHolidays(words []string) (Holidays, error) {
	var off Holidays
	for _, w := range words {
		first, last, several := strings.Cut(strings.ReplaceAll(strings.ReplaceAll(w, "至", ".."), "到", ".."), "..")
		if !several {
			last = first
		}
		r := DateRange{}
		var ok, alsoOK bool
		r.First, ok = readDate(first)
		r.Last, alsoOK = readDate(last)
		if !ok || !alsoOK || r.Last < r.First {
			return nil, Refuse(Invalid,
				"%q is no holiday. Write a day, 2026-12-25, or the first and the last, 2026-10-01..2026-10-07.",
				"无法识别休假日期 %q。可以写一天，如 2026-12-25，或首尾两天，如 2026-10-01..2026-10-07。", w)
		}
		off = append(off, r)
	}
	if len(off) > MaxHolidays {
		return nil, Refuse(Invalid, "At most %[1]d holidays are possible; these are %[2]d.", "最多 %[1]d 段休假，目前为 %[2]d 段。", MaxHolidays, len(off))
	}
	slices.SortFunc(off, func(a, b DateRange) int { return cmp.Or(cmp.Compare(a.First, b.First), cmp.Compare(a.Last, b.Last)) })
	return slices.Compact(off), nil
}

// MaxHolidays is how many holidays, days or ranges, somebody can have.
const MaxHolidays = 200

func readDate(s string) (string, bool) {
	if !dateWord.MatchString(strings.TrimSpace(s)) {
		return "", false
	}
	t, err := time.Parse("2006-1-2", strings.TrimSpace(s))
	return t.Format(dateLayout), err == nil
}

// Strings writes holidays as ParseHolidays reads them.
func (o Holidays) Strings() []string {
	out := make([]string, len(o))
	for i, r := range o {
		out[i] = r.First
		if r.Last != r.First {
			out[i] += ".." + r.Last
		}
	}
	return out
}

func (o Holidays) has(day time.Time) bool {
	d := day.Format(dateLayout)
	return slices.ContainsFunc(o, func(r DateRange) bool { return r.First <= d && d <= r.Last })
}

// span is working time from one moment to another.
type span struct{ from, to time.Time }

// horizon is how many days ahead working time is looked for.
const horizon = 800

// spans gives the working time that ends after a moment, in order, up to the horizon.
func (h Hours) spans(after time.Time) iter.Seq[span] {
	zone, week := h.Zone, h.Week.shifts
	if zone == nil {
		zone = time.UTC
	}
	if len(week) == 0 {
		for d := time.Monday; d <= time.Friday; d++ {
			week = append(week, shift{d, 9 * 60, 18 * 60})
		}
	}
	y, m, d := after.In(zone).Date()
	at := func(day, minute int) time.Time { return time.Date(y, m, d+day, 0, minute, 0, 0, zone) }
	return func(yield func(span) bool) {
		for day := -1; day < horizon; day++ { // a shift of yesterday may last until today
			noon := at(day, minutesOfDay/2)
			if h.Off.has(noon) {
				continue
			}
			for _, s := range week {
				to := s.to
				if to > minutesOfDay && h.Off.has(at(day+1, minutesOfDay/2)) {
					to = minutesOfDay
				}
				// Where the clock is put on, a shift may be shorter than it reads, or be none.
				x := span{at(day, s.from), at(day, to)}
				if s.day == noon.Weekday() && x.to.After(after) && x.to.After(x.from) && !yield(x) {
					return
				}
			}
		}
	}
}

// Open tells whether a moment is within working hours.
func (h Hours) Open(at time.Time) bool {
	next, ok := h.Next(at)
	return ok && next.Equal(at)
}

// Next returns the first working moment that is not before another one; false if there
// is none in the next two years.
func (h Hours) Next(at time.Time) (next time.Time, ok bool) {
	for s := range h.spans(at) {
		if s.from.After(at) {
			return s.from, true
		}
		return at, true
	}
	return time.Time{}, false
}

// After returns the moment at which so much working time has passed since another one;
// false if that is not so within two years.
func (h Hours) After(since time.Time, d time.Duration) (at time.Time, ok bool) {
	for s := range h.spans(since) {
		from := s.from
		if since.After(from) {
			from = since
		}
		if have := s.to.Sub(from); have < d {
			d -= have
			continue
		}
		return from.Add(d), true
	}
	return time.Time{}, false
}

// Hours are when the user works: what they said, else the default of the rules. Holidays
// of the rules are everybody's.
func (u *User) Hours(rules *Rules) Hours {
	h := Hours{Week: rules.Week, Off: slices.Clone(rules.Holidays)}
	if u == nil {
		return h
	}
	if week, err := ParseWorkingHours(u.WorkingHours); u.WorkingHours != "" && err == nil {
		h.Week = week
	}
	if off, err := ParseHolidays(u.Holidays); err == nil {
		h.Off = append(h.Off, off...)
	}
	if zone, err := time.LoadLocation(u.TimeZone); err == nil {
		h.Zone = zone
	}
	return h
}
