package main

import (
	"context"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"slipway"
	"slipway/bot"
	"slipway/cmd/slipway/processtest"
)

// demonstrated plays the demo as a reader of the README does and follows what it prints:
// it ends well, somebody types every verb of the table, and every event is heard of.
func demonstrated(t *testing.T, program string) {
	p, temp := launchDemo(t, program)
	ctx, cancel := context.WithTimeout(t.Context(), startTimeout)
	defer cancel()
	began := time.Now()
	if err := p.Wait(ctx); err != nil {
		t.Fatalf("it ended with %v:\n%s\n%s", err, p.Printed(), strings.Join(p.Logged(), "\n"))
	}
	t.Logf("it took %v", time.Since(began).Round(time.Millisecond))
	typed, heard := told(p.Printed())
	for _, r := range bot.VerbRows() {
		if !slices.ContainsFunc(typed, func(line string) bool { return isVerb(r, line) }) {
			t.Errorf("nobody types %q", r.Name)
		}
	}
	for _, e := range slipway.Events() {
		if !slices.Contains(heard, string(e)) {
			t.Errorf("nobody hears of %s", e)
		}
	}
	leavesNothing(t, p, temp)
}

// lookedAtDemo keeps the demo after its end, opens each link that it prints, looks at
// what its people see, and presses Ctrl-C.
func lookedAtDemo(t *testing.T, program string) {
	p, temp := launchDemo(t, program, "--stay")
	ctx, cancel := context.WithTimeout(t.Context(), startTimeout)
	defer cancel()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for !strings.Contains(p.Printed(), "Ctrl-C ends it") {
		select {
		case <-tick.C:
		case <-ctx.Done():
			t.Fatalf("it does not come to its end:\n%s", p.Printed())
		}
	}
	links := regexp.MustCompile(`look at it as (\w+) .*: (http://\S+)`).FindAllStringSubmatch(p.Printed(), -1)
	if len(links) != 4 {
		t.Errorf("%d links are printed, want one for each of four people:\n%s", len(links), p.Printed())
	}
	for _, m := range links {
		lookAround(ctx, t, m[1], m[2])
	}
	if err := p.Interrupt(ctx); err != nil {
		t.Errorf("Ctrl-C ended it with %v:\n%s", err, strings.Join(p.Logged(), "\n"))
	}
	leavesNothing(t, p, temp)
}

// lookAround signs in through a link, as its page does when the button is pressed, and
// opens the pages that everybody has.
func lookAround(ctx context.Context, t *testing.T, who, link string) {
	t.Helper()
	u, err := url.Parse(link)
	if err != nil {
		t.Fatal(err)
	}
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	browser, base := &http.Client{Jar: jar}, "http://"+u.Host
	open := func(method, address, form string) string {
		req, err := http.NewRequestWithContext(ctx, method, address, strings.NewReader(form))
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		req.Header.Set("Origin", base)
		res, err := browser.Do(req)
		if err != nil {
			t.Fatalf("%s opens %s: %v", who, address, err)
		}
		page, err := readAll(res)
		if err != nil || res.StatusCode != http.StatusOK {
			t.Errorf("%s opens %s: %s (%v)", who, address, res.Status, err)
		}
		return page
	}
	open(http.MethodGet, link, "")
	open(http.MethodPost, base+"/signin", url.Values{"token": {u.Query().Get("token")}}.Encode())
	for path, shows := range map[string]string{
		"/": who, "/rooms/" + defaultRoom: "payments 4.2.1", "/plans": "quiet night", "/plans/1": "payments 4.2.1", "/plans/2": "quiet night",
	} {
		if page := open(http.MethodGet, base+path, ""); !strings.Contains(page, shows) {
			t.Errorf("%s sees no %q on %s:\n%s", who, shows, path, page)
		}
	}
}

// launchDemo starts the demo in a folder of its own, with another for what is temporary.
func launchDemo(t *testing.T, program string, args ...string) (p *processtest.Process, temp string) {
	t.Helper()
	temp = t.TempDir()
	p, err := processtest.Launch(processtest.Config{
		Path: program, Dir: t.TempDir(), Args: append([]string{"demo"}, args...), Env: []string{"TMPDIR=" + temp},
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.Kill)
	return p, temp
}

// told takes apart what the demo prints: what people typed, and the events that the
// outside system heard.
func told(printed string) (typed, heard []string) {
	for _, m := range regexp.MustCompile(`(?m)^ *[0-9.]+s +(\w+) +(.*)$`).FindAllStringSubmatch(printed, -1) {
		switch who, what := m[1], m[2]; who {
		case "slipway":
		case "outside":
			if event, ok := strings.CutPrefix(what, "hears "); ok {
				heard = append(heard, strings.Fields(event)[0])
			}
		default:
			typed = append(typed, what)
		}
	}
	return typed, heard
}

// isVerb tells whether a typed line is the verb of a row.
func isVerb(r bot.VerbRow, line string) bool {
	return slices.ContainsFunc(slices.Concat([]string{r.Name}, r.Aliases, r.ZH), func(word string) bool {
		return line == word || strings.HasPrefix(line, word+" ")
	})
}

// leavesNothing fails the test if the demo complained of anything, or left files behind.
func leavesNothing(t *testing.T, p *processtest.Process, temp string) {
	t.Helper()
	if log := strings.Join(p.Logged(), "\n"); log != "" {
		t.Errorf("it logged:\n%s", log)
	}
	left, err := os.ReadDir(temp)
	if err != nil || len(left) > 0 {
		t.Errorf("%d files are left in %s (%v), the first is %s", len(left), filepath.Base(temp), err, left)
	}
}
