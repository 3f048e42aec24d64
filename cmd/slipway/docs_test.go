package main

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"unicode"

	"github.com/google/go-cmp/cmp"

	"slipway/bot/slack"
)

// documents returns what people read, by path from the root of the checkout.
func documents(t *testing.T) map[string]string {
	t.Helper()
	docs := map[string]string{}
	for _, from := range []string{"README.md", "docs"} {
		readFiles(t, from, ".md", docs)
	}
	return docs
}

// readFiles reads the files below a path of the checkout whose names end so.
func readFiles(t *testing.T, from, suffix string, into map[string]string) {
	t.Helper()
	const root = "../.."
	err := filepath.WalkDir(filepath.Join(root, from), func(path string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && (d.Name() == "node_modules" || strings.HasPrefix(d.Name(), ".") && d.Name() != ".."):
			return fs.SkipDir
		case d.IsDir() || !strings.HasSuffix(d.Name(), suffix):
			return nil
		}
		data, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		name, err := filepath.Rel(root, path)
		into[filepath.ToSlash(name)] = string(data)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

var (
	codeBlock = regexp.MustCompile("(?ms)^ *```.*?^ *```$|`[^`\n]*`")
	headline  = regexp.MustCompile(`(?m)^#+ (.*)$`)
	target    = regexp.MustCompile(`\]\(([^)\s]+)\)|(?:src|href)="([^"]+)"`)
	outside   = regexp.MustCompile(`^[a-z]+:`)
)

// TestLinksInTheDocuments follows every relative link and image of the documents, and
// finds the headline that a link names.
func TestLinksInTheDocuments(t *testing.T) {
	t.Parallel()
	docs := documents(t)
	for name, text := range docs {
		for _, m := range target.FindAllStringSubmatch(codeBlock.ReplaceAllString(text, ""), -1) {
			link := m[1] + m[2]
			if outside.MatchString(link) {
				continue
			}
			path, anchor, _ := strings.Cut(link, "#")
			to := filepath.ToSlash(filepath.Join(filepath.Dir(name), path))
			if path == "" {
				to = name
			}
			if _, err := os.Stat(filepath.Join("../..", to)); err != nil {
				t.Errorf("%s: the link %s leads nowhere", name, link)
				continue
			}
			if anchor != "" && !slices.Contains(anchors(docs[to]), anchor) {
				t.Errorf("%s: %s has no headline #%s", name, to, anchor)
			}
		}
	}
}

// anchors are the names that a reader of Markdown gives to headlines: lower case,
// blanks as hyphens, no other punctuation.
func anchors(text string) []string {
	fenced := regexp.MustCompile("(?ms)^ *```.*?^ *```$")
	var out []string
	for _, m := range headline.FindAllStringSubmatch(fenced.ReplaceAllString(text, ""), -1) {
		out = append(out, strings.Map(func(r rune) rune {
			switch {
			case r == ' ':
				return '-'
			case unicode.IsLetter(r), unicode.IsDigit(r), r == '-', r == '_':
				return unicode.ToLower(r)
			}
			return -1
		}, m[1]))
	}
	return out
}

// TestVariablesInTheDocuments finds every SLIPWAY_ variable that documents and
// deployment files name in the source. A name that ends with _… stands for several.
func TestVariablesInTheDocuments(t *testing.T) {
	t.Parallel()
	variable := regexp.MustCompile(`SLIPWAY_[A-Z_]*[A-Z](_…)?`)
	literal := regexp.MustCompile(`"(SLIPWAY_[A-Z_]*[A-Z])`)
	// The version of the image is for compose alone.
	known := map[string]bool{"SLIPWAY_VERSION": true}
	for name := range new(config).variables() {
		known[name+"_FILE"] = true
	}
	source := map[string]string{}
	readFiles(t, ".", ".go", source)
	for name, text := range source {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		for _, m := range literal.FindAllStringSubmatch(text, -1) {
			for i, c := range m[1] {
				if c == '_' {
					known[m[1][:i]+"_…"] = true
				}
			}
			known[m[1]] = true
		}
	}
	said := documents(t)
	for _, file := range []string{"compose.yaml", "Dockerfile"} {
		readFiles(t, "deploy/"+file, file, said)
	}
	for name, text := range said {
		for _, v := range variable.FindAllString(text, -1) {
			if !known[v] {
				t.Errorf("%s names %s, which the program does not know", name, v)
			}
		}
	}
}

// TestPermissionsInTheDocuments wants the guides to explain every permission that the
// apps ask for and no other, and Feishu's to have them all in what is pasted.
func TestPermissionsInTheDocuments(t *testing.T) {
	t.Parallel()
	name := regexp.MustCompile("`([a-z_]+(?:[.:][a-z0-9_.:]+)?)`")
	quoted := regexp.MustCompile(`"([a-z_]+:[a-z0-9_.:]+)"`)
	all := func(pattern *regexp.Regexp, text string) []string {
		var names []string
		for _, m := range pattern.FindAllStringSubmatch(text, -1) {
			names = append(names, m[1])
		}
		slices.Sort(names)
		return names
	}
	docs := documents(t)
	for guide, scopes := range map[string][]string{
		"docs/slack.md": append(manifestScopes(), slack.AppScope), "docs/slack.zh.md": append(manifestScopes(), slack.AppScope),
		"docs/feishu.md": guideScopes(), "docs/feishu.zh.md": guideScopes(),
	} {
		var explained []string
		_, table, _ := strings.Cut(docs[guide], map[bool]string{true: "## 应用权限及用途", false: "## What the app may do, and why"}[strings.Contains(guide, ".zh.")])
		table, _, _ = strings.Cut(table, "\n## ")
		for line := range strings.Lines(table) {
			if cells := strings.Split(line, "|"); len(cells) > 2 {
				explained = append(explained, all(name, cells[1])...)
			}
		}
		slices.Sort(scopes)
		slices.Sort(explained)
		if diff := cmp.Diff(scopes, explained); diff != "" {
			t.Errorf("%s does not explain what the app asks for (-app +guide):\n%s", guide, diff)
		}
		if pasted := all(quoted, docs[guide]); strings.Contains(guide, "feishu") && !slices.Equal(pasted, scopes) {
			t.Errorf("%s has other permissions pasted than the app needs:\n%s", guide, cmp.Diff(scopes, pasted))
		}
	}
}
