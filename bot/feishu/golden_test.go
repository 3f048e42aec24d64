package feishu

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"slipway/bot"
	"slipway/bot/feishu/cardjson"
)

// goldens remembers which golden files were asked for.
var goldens struct {
	mu   sync.Mutex
	used []string
}

// golden compares with testdata/<name>.json; SLIPWAY_UPDATE_GOLDEN=1 rewrites it.
func golden(t *testing.T, name string, card []byte) {
	t.Helper()
	file := filepath.Join("testdata", name+".json")
	goldens.mu.Lock()
	goldens.used = append(goldens.used, file)
	goldens.mu.Unlock()
	got := readable(t, card)
	if os.Getenv("SLIPWAY_UPDATE_GOLDEN") == "1" {
		if err := os.WriteFile(file, got, 0o600); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), string(got)); diff != "" {
		t.Errorf("%s differs (-want +got); SLIPWAY_UPDATE_GOLDEN=1 rewrites it:\n%s", file, diff)
	}
}

// readable indents a card and unpacks what its submit button remembers.
func readable(t *testing.T, card []byte) []byte {
	t.Helper()
	var v any
	if err := json.Unmarshal(card, &v); err != nil {
		t.Fatal(err)
	}
	unpackAll(t, v)
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	e.SetIndent("", " ")
	if err := e.Encode(v); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func unpackAll(t *testing.T, v any) {
	t.Helper()
	switch v := v.(type) {
	case []any:
		for _, entry := range v {
			unpackAll(t, entry)
		}
	case map[string]any:
		if packed, ok := v[keyForm].(string); ok {
			p, err := unpack(packed)
			if err != nil {
				t.Fatal(err)
			}
			v[keyForm] = p
			return
		}
		for _, entry := range v {
			unpackAll(t, entry)
		}
	}
}

// TestMain fails when a golden file belongs to no test.
func TestMain(m *testing.M) {
	code := m.Run()
	if code == 0 && flag.Lookup("test.run").Value.String() == "" && flag.Lookup("test.fuzz").Value.String() == "" {
		files, err := filepath.Glob(filepath.Join("testdata", "*.json"))
		if err != nil {
			panic(err)
		}
		for _, f := range files {
			if !slices.Contains(goldens.used, f) {
				fmt.Fprintf(os.Stderr, "%s belongs to no test\n", f)
				code = 1
			}
		}
	}
	os.Exit(code)
}

// check demands that Feishu takes a card.
func check(t *testing.T, card []byte) {
	t.Helper()
	for _, p := range cardjson.Check(card) {
		t.Errorf("Feishu would refuse the card: %s", p)
	}
	if len(card) > cardjson.MaxCard {
		t.Errorf("the card has %d bytes, at most %d fit into an answer", len(card), cardjson.MaxCard)
	}
}

// everyCard returns what the bot's own golden files with a name like pattern hold.
func everyCard[T any](t *testing.T, pattern string) map[string]T {
	t.Helper()
	files, err := filepath.Glob(filepath.Join("..", "testdata", pattern+".golden"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no golden files of the bot like %s: %v", pattern, err)
	}
	all := map[string]T{}
	for _, file := range files {
		data, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		var card T
		if err := json.Unmarshal(data, &card); err != nil {
			t.Fatalf("%s: %v", file, err)
		}
		all[strings.TrimSuffix(filepath.Base(file), ".golden")] = card
	}
	return all
}

func TestGoldenCardsAreTaken(t *testing.T) {
	t.Parallel()
	for _, pattern := range []string{"plan-*", "card-*"} {
		for name, c := range everyCard[bot.Card](t, pattern) {
			c.Zone = "Asia/Shanghai"
			card := renderCard(c)
			check(t, card)
			golden(t, name, card)
		}
	}
}

func TestGoldenFormsAreTaken(t *testing.T) {
	t.Parallel()
	zone, err := time.LoadLocation("Asia/Shanghai")
	if err != nil {
		t.Fatal(err)
	}
	for name, f := range everyCard[bot.Form](t, "form-*") {
		c := formCard{
			form: f, zone: zone, from: origin{Room: "oc_1", Msg: "om_1"}, page: "https://slipway.example.com/plans/1",
			accounts: map[string]string{"u1": "ou_1", "u2": "ou_2", "u3": "ou_3"},
		}
		card := c.render()
		check(t, card)
		golden(t, name, card)
	}
}
