package slack

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

	"github.com/google/go-cmp/cmp"

	"slipway/bot"
	"slipway/bot/slack/blockkit"
)

// goldens remembers which golden files were asked for.
var goldens struct {
	mu   sync.Mutex
	used []string
}

// golden compares with testdata/<name>.json, which holds exactly what is sent;
// SLIPWAY_UPDATE_GOLDEN=1 rewrites it.
func golden(t *testing.T, name string, v any) {
	t.Helper()
	var got bytes.Buffer
	e := json.NewEncoder(&got)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	if err := e.Encode(v); err != nil {
		t.Fatal(err)
	}
	file := filepath.Join("testdata", name+".json")
	goldens.mu.Lock()
	goldens.used = append(goldens.used, file)
	goldens.mu.Unlock()
	if os.Getenv("SLIPWAY_UPDATE_GOLDEN") == "1" {
		if err := os.WriteFile(file, got.Bytes(), 0o600); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got.String()); diff != "" {
		t.Errorf("%s differs (-want +got); SLIPWAY_UPDATE_GOLDEN=1 rewrites it:\n%s", file, diff)
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

// eachGolden reads the bot's own golden cards or forms, so that what the bot can say is
// what is rendered here.
func eachGolden[T any](t *testing.T, pattern string, see func(name string, v T)) {
	t.Helper()
	files, err := filepath.Glob(filepath.Join("..", "testdata", pattern))
	if err != nil || len(files) == 0 {
		t.Fatalf("no golden files %s: %v", pattern, err)
	}
	for _, file := range files {
		data, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		var v T
		if err := json.Unmarshal(data, &v); err != nil {
			t.Fatalf("%s: %v", file, err)
		}
		see(strings.TrimSuffix(filepath.Base(file), ".golden"), v)
	}
}

func checkMessage(t *testing.T, name string, m message) {
	t.Helper()
	blocks, err := json.Marshal(m.Blocks)
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range blockkit.CheckMessage(m.Text, blocks) {
		t.Errorf("%s: %s", name, p)
	}
	if blockkit.Len(m.Text) > blockkit.UpdateText || m.Text == "" || len(m.Blocks) == 0 {
		t.Errorf("%s: %d characters of text, %d blocks", name, blockkit.Len(m.Text), len(m.Blocks))
	}
}

func checkView(t *testing.T, name string, v any, check func(json.RawMessage) []blockkit.Problem) {
	t.Helper()
	data, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range check(data) {
		t.Errorf("%s: %s", name, p)
	}
}

func TestGoldenMessagesAndHomes(t *testing.T) {
	t.Parallel()
	for _, pattern := range []string{"plan-*.golden", "card-*.golden"} {
		eachGolden(t, pattern, func(name string, c bot.Card) {
			m := render(c)
			checkMessage(t, name, m)
			golden(t, "message-"+name, m)
			if strings.HasPrefix(name, "card-home") || strings.HasPrefix(name, "card-list") {
				view := renderHome(c)
				checkView(t, name, view, blockkit.CheckHome)
				golden(t, "home-"+strings.TrimPrefix(name, "card-"), view)
			}
		})
	}
}

func TestGoldenModals(t *testing.T) {
	t.Parallel()
	s := &Slack{Config: Config{PublicURL: "https://slipway.example.com"}}
	eachGolden(t, "form-*.golden", func(name string, f bot.Form) {
		view, err := s.modal(f, origin{Room: "C1", Msg: "1795521600.000100"}, map[string]string{"u1": "U1", "u2": "U2", "u3": "U3"})
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		checkView(t, name, view, blockkit.CheckModal)
		golden(t, "modal-"+strings.TrimPrefix(name, "form-"), view)
	})
}
