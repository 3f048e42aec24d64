package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"text/tabwriter"
	"time"
)

// userView is what the commands print of a user.
type userView struct {
	ID, Name, Email, Role, Locale string
	TimeZone                      string   `json:"time_zone"`
	WorkingHours                  string   `json:"working_hours"`
	Holidays                      []string `json:"holidays"`
}

func (u *userView) printHours(w io.Writer) error {
	_, err := fmt.Fprintf(w, "  hours    %s\n  off      %s\n", cmp.Or(u.WorkingHours, "default"), cmp.Or(strings.Join(u.Holidays, ", "), "none"))
	return err
}

// whoami tells who the client is to Slipway.
func whoami(ctx context.Context, args []string, p process) error {
	if len(args) > 0 {
		return fmt.Errorf("whoami expects nothing more, not %q", args[0])
	}
	c, err := newClient(p)
	if err != nil {
		return err
	}
	var u userView
	if err := c.call(ctx, http.MethodGet, "/api/v1/me", nil, nil, &u); err != nil {
		return err
	}
	_, err = fmt.Fprintf(p.stdout, "%s\n  id       %s\n  e-mail   %s\n  role     %s\n  language %s\n  zone     %s\n",
		shown(u.Name), u.ID, shown(u.Email), u.Role, u.Locale, cmp.Or(u.TimeZone, "not known"))
	return errors.Join(err, u.printHours(p.stdout))
}

// hoursCommand shows or sets when somebody works.
func hoursCommand(ctx context.Context, args []string, p process) error {
	args, opts, err := takeOptions(args, "off", "for")
	if err != nil {
		return err
	}
	body := map[string]any{}
	switch {
	case len(args) > 1:
		return fmt.Errorf("hours expects one text such as 'Mon-Fri 9-18', or default; %q is more than that", args[1])
	case len(args) == 1 && args[0] == "default":
		body["working_hours"] = ""
	case len(args) == 1:
		body["working_hours"] = args[0]
	}
	switch off := opts.Get("off"); off {
	case "":
	case "none":
		body["holidays"] = []string{}
	default:
		body["holidays"] = strings.Split(off, ",")
	}
	if opts.Has("for") && len(body) == 0 {
		return errors.New("--for says whose hours are set: hours 'Mon-Fri 9-18' --for WHO is expected")
	}
	c, err := newClient(p)
	if err != nil {
		return err
	}
	var u userView
	if len(body) == 0 {
		err = c.call(ctx, http.MethodGet, "/api/v1/me", nil, nil, &u)
	} else {
		err = c.send(ctx, http.MethodPut, userPath(opts)+"/hours", body, &u)
	}
	if err != nil {
		return err
	}
	_, err = fmt.Fprintln(p.stdout, shown(u.Name))
	return errors.Join(err, u.printHours(p.stdout))
}

// userPath is the user whom --for names, else who asks.
func userPath(opts url.Values) string {
	return "/api/v1/users/" + url.PathEscape(cmp.Or(opts.Get("for"), "me"))
}

// awayView is who decides in whose place.
type awayView struct {
	Of, To     struct{ Name string }
	Start, End int64
}

// awayCommand says who decides in whose place for a while.
func awayCommand(ctx context.Context, args []string, p process) error {
	args, opts, err := takeOptions(args, "to", "from", "until", "for")
	if err != nil {
		return err
	}
	off := len(args) == 1 && args[0] == "off"
	switch {
	case len(args) > 0 && !off:
		return fmt.Errorf("away, away --to WHO --until TIME or away off is expected, not away %s", strings.Join(args, " "))
	case off && (opts.Has("to") || opts.Has("from") || opts.Has("until")):
		return errors.New("away off takes nothing but --for WHO")
	case !off && len(opts) > 0 && (!opts.Has("to") || !opts.Has("until")):
		return errors.New("away --to WHO --until TIME is expected; --from TIME and --for WHO may be left out")
	}
	c, err := newClient(p)
	switch {
	case err != nil:
		return err
	case off:
		return c.call(ctx, http.MethodDelete, userPath(opts)+"/away", nil, nil, nil)
	case len(opts) > 0:
		body := map[string]any{"to": opts.Get("to"), "end": opts.Get("until")}
		if opts.Has("from") {
			body["start"] = opts.Get("from")
		}
		var one awayView
		if err := c.send(ctx, http.MethodPut, userPath(opts)+"/away", body, &one); err != nil {
			return err
		}
		return printAway(p.stdout, one)
	}
	var all struct{ Away []awayView }
	if err := c.call(ctx, http.MethodGet, "/api/v1/away", nil, nil, &all); err != nil {
		return err
	}
	if len(all.Away) == 0 {
		_, err := fmt.Fprintln(p.stdout, "nobody decides in anybody's place")
		return err
	}
	return printAway(p.stdout, all.Away...)
}

func printAway(w io.Writer, list ...awayView) error {
	tw := tabwriter.NewWriter(w, 0, 4, 2, ' ', 0)
	for _, a := range list {
		_, _ = fmt.Fprintf(tw, "%s\tdecides in the place of\t%s\tfrom %s\tuntil %s\n",
			shown(a.To.Name), shown(a.Of.Name), time.Unix(a.Start, 0).Format(time.DateTime), time.Unix(a.End, 0).Format(time.DateTime))
	}
	return tw.Flush()
}
