package bot

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"slipway"
)

// FormID says what a form is for.
type FormID string

// The forms.
const (
	FormNew       FormID = "new"
	FormEdit      FormID = "edit"
	FormAdd       FormID = "add"  // one more item
	FormItem      FormID = "item" // change an item
	FormWindow    FormID = "window"
	FormSchedule  FormID = "schedule"
	FormApprovers FormID = "approvers"
	FormSprints   FormID = "sprints"
	FormCopy      FormID = "copy"
	FormApprove   FormID = "approve"  // with a comment
	FormReject    FormID = "reject"   // with a comment
	FormTransfer  FormID = "transfer" // to whom a place is passed
	FormAway      FormID = "away"     // who decides while somebody is away
	FormComplete  FormID = "complete" // with a remark
	FormSkip      FormID = "skip"     // with a reason
	FormOverride  FormID = "override" // with a reason
	FormReplan    FormID = "replan"   // with a comment
	FormCancel    FormID = "cancel"   // with a reason
	FormAdopt     FormID = "adopt"    // which run was started
	FormDecline   FormID = "decline"  // a no to a run that waits, with a comment
)

// Form is a question without a platform, in one language. As on a Card every string is
// plain text.
type Form struct {
	ID     FormID       `json:"id"`
	Lang   slipway.Lang `json:"lang"`
	Title  string       `json:"title"`
	Submit string       `json:"submit"` // the button's label
	// Danger tells that sending the form cannot be undone.
	Danger bool `json:"danger,omitempty"`
	// Intro says what the form is about.
	Intro []Line `json:"intro,omitempty"`
	// Value comes back unchanged in Event.Value: which plan, item and version.
	Value  string  `json:"value,omitempty"`
	Fields []Field `json:"fields"`
}

// FieldKind is the kind of a field.
type FieldKind string

// The kinds of fields, and what their values are in Values.
const (
	TextField     FieldKind = "text"     // one line
	LongField     FieldKind = "long"     // several lines
	MarkdownField FieldKind = "markdown" // several lines of Markdown
	SelectField   FieldKind = "select"   // the Value of an Option
	PersonField   FieldKind = "person"   // a user id, or "<platform>:<account id>"
	PeopleField   FieldKind = "people"   // several of these
	ChoicesField  FieldKind = "choices"  // several Values of Options, or of what is found as somebody types
	TimeField     FieldKind = "time"     // Unix seconds, or what was typed; "" for none
	NumberField   FieldKind = "number"   // decimal digits
	CheckField    FieldKind = "check"    // "true" or nothing
	HiddenField   FieldKind = "hidden"   // comes back unchanged
	GroupField    FieldKind = "group"    // see Field.Fields; an editor of several entries
)

// Field is one question of a form.
type Field struct {
	// Name is the key in Values and FieldErrors: the place that slipway.Problem paths
	// name, for example "end_time" or "approval.approvers".
	Name        string    `json:"name"`
	Kind        FieldKind `json:"kind"`
	Label       string    `json:"label"`
	Hint        string    `json:"hint,omitempty"`
	Placeholder string    `json:"placeholder,omitempty"`
	Required    bool      `json:"required,omitempty"`
	// Max is the most characters (text) or the greatest number, 0 for no limit.
	Max int `json:"max,omitempty"`
	// Value is what the field starts with; several for PeopleField and ChoicesField.
	Value []string `json:"value,omitempty"`
	// Options are the choices of select, person and people fields. A platform that
	// picks people by itself may leave them aside.
	Options []Option `json:"options,omitempty"`
	// Show, if set, shows the field only while another field of the same form or entry
	// has a value. A platform that cannot shows it always.
	Show *ShowWhen `json:"show,omitempty"`
	// Fields are the questions of each entry of a group. Entry i, counted from 0, comes
	// back as "<group>[i].<field>", in the order in which the entries are shown, and the
	// group's own name as a key says that it was shown, even when no entry is left. A
	// platform without such an editor leaves all of it out; entries then stay as they
	// are, and FormAdd and FormItem change one at a time.
	Fields []Field `json:"fields,omitempty"`
	// Entries are what a group starts with, keyed by the names of Fields.
	Entries []Values `json:"entries,omitempty"`
}

// ShowWhen is the condition under which a field is shown.
type ShowWhen struct {
	Field string `json:"field"`
	Is    string `json:"is"`
}

// Option is one choice.
type Option struct {
	Value string `json:"value"`
	Label string `json:"label"`
}

// Values are the answers to a form by field name.
type Values map[string][]string

// Get returns the first value of a field without surrounding space, "" if there is none.
func (v Values) Get(name string) string {
	if len(v[name]) == 0 {
		return ""
	}
	return strings.TrimSpace(v[name][0])
}

// Has tells whether the field came with the form at all.
func (v Values) Has(name string) bool { _, ok := v[name]; return ok }

// Entries returns the entries of a group in order.
func (v Values) Entries(group string) []Values {
	byNumber := map[int]Values{}
	for name, value := range v {
		rest, ok := strings.CutPrefix(name, group+"[")
		if !ok {
			continue
		}
		number, field, ok := strings.Cut(rest, "].")
		n, err := strconv.Atoi(number)
		if !ok || err != nil || n < 0 {
			continue
		}
		if byNumber[n] == nil {
			byNumber[n] = Values{}
		}
		byNumber[n][field] = value
	}
	numbers := make([]int, 0, len(byNumber))
	for n := range byNumber {
		numbers = append(numbers, n)
	}
	slices.Sort(numbers)
	entries := make([]Values, len(numbers))
	for i, n := range numbers {
		entries[i] = byNumber[n]
	}
	return entries
}

// EntryName returns the key of a field in entry i of a group.
func EntryName(group string, i int, field string) string {
	return fmt.Sprintf("%s[%d].%s", group, i, field)
}

// Chooser answers what a person may choose while they type: for platforms whose menus
// are too short for all people. The Bot is one.
type Chooser interface {
	// People returns the users whose name or e-mail contains the text, at most 100; all
	// users for an empty text.
	People(ctx context.Context, text string) ([]Option, error)
}

// SprintsField is the name of the field whose choices a SprintChooser has.
const SprintsField = "jira_sprint_association.sprints"

// SprintChooser answers which sprints a person may choose while they type. The Bot is one.
type SprintChooser interface {
	// Sprints returns the sprints whose project, board or name contain the text, at most
	// 100; those under way and to come for an empty text.
	Sprints(ctx context.Context, text string) ([]Option, error)
}
