package main

import (
	"context"
	"database/sql"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"html"
	"net/http"
	"net/url"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"

	"slipway/cmd/slipway/processtest"
)

// kept is a secret that nobody may see.
type kept struct {
	name, value string
	ofPlan      bool     // a plan has it: the database and those who may see credentials do too
	home        []string // the places where it belongs: those of the one to whom it is said
}

// shapes are the texts by which a secret would be known: as it is, each of its lines,
// and each as it is written in JSON, in HTML, in addresses, in logs, without its quotes,
// and in base64 at any place of a longer text.
func (k kept) shapes() []string {
	pieces := []string{k.value}
	for line := range strings.Lines(k.value) {
		if line = strings.TrimSpace(line); len(line) >= 8 && !strings.HasPrefix(line, "-----") {
			pieces = append(pieces, line)
		}
	}
	var all []string
	for _, p := range pieces {
		text, err := json.Marshal(p)
		if err != nil {
			panic(err)
		}
		plain := strings.NewReplacer(`\u003c`, "<", `\u003e`, ">", `\u0026`, "&").Replace(string(text))
		quoted := strconv.Quote(p)
		twice := strconv.Quote(plain[1 : len(plain)-1])
		all = append(all, p, strings.ReplaceAll(p, `"`, ""), html.EscapeString(p), url.QueryEscape(p), url.PathEscape(p), hex.EncodeToString([]byte(p)))
		for _, q := range []string{string(text), plain, quoted, twice} {
			all = append(all, q[1:len(q)-1], strings.ReplaceAll(q[1:len(q)-1], `"`, ""))
		}
		for before := range 3 {
			// Whole groups of three bytes look the same whatever is around them.
			if inside := p[min(len(p), (3-before)%3):]; len(inside) >= 9 {
				inside = inside[:len(inside)/3*3]
				all = append(all, base64.StdEncoding.EncodeToString([]byte(inside)), base64.URLEncoding.EncodeToString([]byte(inside)))
			}
		}
	}
	slices.Sort(all)
	return slices.Compact(all)
}

// evidence is all that could be seen of a Slipway, by the place where it was seen.
type evidence struct {
	mu    sync.Mutex
	texts map[string][]string
}

// see keeps a text.
func (e *evidence) see(place, text string) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.texts == nil {
		e.texts = map[string][]string{}
	}
	e.texts[place] = append(e.texts[place], text)
}

// at returns what was seen at a place.
func (e *evidence) at(place string) string {
	e.mu.Lock()
	defer e.mu.Unlock()
	return strings.Join(e.texts[place], "\n")
}

// writer keeps what is written to it.
func (e *evidence) writer(place string) writer {
	return func(p []byte) (int, error) {
		e.see(place, string(p))
		return len(p), nil
	}
}

type writer func(p []byte) (int, error)

func (w writer) Write(p []byte) (int, error) { return w(p) }

// watchedWay is a way to Slipway on which every answer is kept.
type watchedWay struct{ see func(place, text string) }

// RoundTrip implements http.RoundTripper.
func (w watchedWay) RoundTrip(r *http.Request) (*http.Response, error) {
	answer, err := http.DefaultTransport.RoundTrip(r)
	if err != nil {
		return nil, err
	}
	body, err := readAll(answer)
	if err != nil {
		return nil, err
	}
	w.see(fmt.Sprintf("answer to %s %s", r.Method, r.URL.Path), fmt.Sprint(answer.Header)+"\n"+body)
	return answer, nil
}

// client is one of the REST API whose answers are kept.
func (e *evidence) asAdmin() *processtest.Client {
	return &processtest.Client{Token: adminOfHouse, HTTP: &http.Client{Transport: watchedWay{e.see}}}
}

// mayHold are the columns of the database that have the credentials of a plan: what it
// gives to its workflows and the definitions that it froze, without which nothing could
// be run, and the bodies of hooks to an endpoint that is allowed credentials. Those of
// engines are in none.
var mayHold = []string{"items.workflow", "items.definition", "runs.workflow", "deliveries.body of vault"}

// database keeps every row of every table.
func (e *evidence) database(ctx context.Context, t *testing.T, dir string) {
	t.Helper()
	db, err := sql.Open("sqlite", "file:"+filepath.Join(dir, "slipway.db")+"?mode=ro")
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	for _, table := range e.column(ctx, t, db, "SELECT name FROM sqlite_master WHERE type = 'table'") {
		for _, column := range e.column(ctx, t, db, "SELECT name FROM pragma_table_info('"+table+"')") {
			place, where := table+"."+column, ""
			if place == "deliveries.body" {
				for _, row := range e.column(ctx, t, db, "SELECT body FROM deliveries WHERE endpoint = 'vault'") {
					e.see("deliveries.body of vault", row)
				}
				where = " WHERE endpoint <> 'vault'"
			}
			for _, row := range e.column(ctx, t, db, fmt.Sprintf("SELECT %q FROM %q%s", column, table, where)) {
				e.see(place, row)
			}
		}
	}
	for _, place := range []string{"run_log.text", "entries.data", "messages.card", "runs.progress", "items.workflow"} {
		if e.at(place) == "" {
			t.Errorf("%s is empty", place)
		}
	}
}

func (e *evidence) column(ctx context.Context, t *testing.T, db *sql.DB, query string) []string {
	t.Helper()
	rows, err := db.QueryContext(ctx, query)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	var all []string
	for rows.Next() {
		var value sql.NullString
		if err := rows.Scan(&value); err != nil {
			t.Fatal(err)
		}
		all = append(all, value.String)
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	return all
}

// scan looks for every secret in all that was seen.
func (e *evidence) scan(t *testing.T, secrets []kept) {
	t.Helper()
	e.mu.Lock()
	defer e.mu.Unlock()
	size := 0
	for place, texts := range e.texts { // what is asked for again and again is searched once
		slices.Sort(texts)
		e.texts[place] = slices.Compact(texts)
	}
	for _, k := range secrets {
		shapes := k.shapes()
		for place, texts := range e.texts {
			if slices.Contains(k.home, place) || k.ofPlan && (slices.Contains(mayHold, place) || place == "hook to vault") {
				continue
			}
			reported := false
			for _, text := range texts {
				size += len(text)
				for _, shape := range shapes {
					i := strings.Index(text, shape)
					if i < 0 || reported {
						continue
					}
					reported = true
					t.Errorf("%s can be seen in %s, as %q:\n%s", k.name, place, shape, text[max(0, i-200):min(len(text), i+len(shape)+100)])
				}
			}
		}
	}
	t.Logf("%d places, %d MB were searched for %d secrets", len(e.texts), size>>20, len(secrets))
}
