package bot

import (
	"net/url"
	"strconv"
)

// Ref is what a button or form is about. It is carried in Action.Value and Form.Value:
// identifiers and the version that was shown, never rights or what is to be done.
type Ref struct {
	Plan     string
	Item     string
	Version  int64 // plan version that was shown, 0 if it does not matter
	Delivery string
	Words    string // of a list
	Cursor   string // of a list or log
	Home     bool   // the button stands on a person's page
	Run      string // the run that was shown
	Job      string // the job that waits there, as jobKey names it
	Accept   string // the digest of the change that was shown
}

// Encode writes the reference as a button's value.
func (r Ref) Encode() string {
	v := url.Values{}
	for key, value := range map[string]string{"p": r.Plan, "i": r.Item, "d": r.Delivery, "w": r.Words, "c": r.Cursor, "r": r.Run, "j": r.Job, "a": r.Accept} {
		if value != "" {
			v.Set(key, value)
		}
	}
	if r.Home {
		v.Set("h", "1")
	}
	if r.Version != 0 {
		v.Set("v", strconv.FormatInt(r.Version, 10))
	}
	return v.Encode()
}

// DecodeRef reads a button's value. What is not understood is left empty.
func DecodeRef(s string) Ref {
	v, err := url.ParseQuery(s)
	if err != nil {
		return Ref{}
	}
	version, err := strconv.ParseInt(v.Get("v"), 10, 64)
	if err != nil {
		version = 0
	}
	return Ref{
		Plan: v.Get("p"), Item: v.Get("i"), Version: version, Delivery: v.Get("d"), Words: v.Get("w"), Cursor: v.Get("c"),
		Home: v.Get("h") != "", Run: v.Get("r"), Job: v.Get("j"), Accept: v.Get("a"),
	}
}
