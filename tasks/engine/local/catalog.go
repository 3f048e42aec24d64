package local

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"slipway"
)

// maxFile is the largest workflow file that is read, in bytes.
const maxFile = 1 << 20

// catalog is the operator's workflows folder. It is read each time: a file that was
// put there is there.
type catalog struct {
	dir    string
	logger *slog.Logger
}

// file is a workflow and the folder its scripts run in.
type file struct {
	path     string // for people: relative to the workflows folder
	dir      string // absolute
	workflow *slipway.Workflow
}

// read returns the workflows of the folder by name, and what is wrong with those that
// cannot be read, its paths beginning with the file's name. A missing folder is empty.
func (c catalog) read() ([]file, []slipway.Problem, error) {
	dir, err := filepath.Abs(c.dir)
	if err != nil {
		return nil, nil, fmt.Errorf("locate workflows folder: %w", err)
	}
	entries, err := os.ReadDir(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil, nil
	}
	if err != nil {
		return nil, nil, fmt.Errorf("read workflows folder: %w", err)
	}
	var files []file
	var problems []slipway.Problem
	for _, entry := range entries {
		name := entry.Name()
		if extension := filepath.Ext(name); extension != ".yaml" && extension != ".yml" || strings.HasPrefix(name, ".") {
			continue
		}
		w, faults := c.parse(dir, name)
		if len(faults) > 0 {
			problems = append(problems, faults...)
			continue
		}
		files = append(files, file{path: name, dir: dir, workflow: w})
	}
	slices.SortFunc(files, func(a, b file) int {
		return cmp.Or(cmp.Compare(a.workflow.Name, b.workflow.Name), cmp.Compare(a.workflow.Project, b.workflow.Project))
	})
	return files, problems, nil
}

// parse returns the workflow of a file, or what is wrong with it.
func (c catalog) parse(dir, name string) (*slipway.Workflow, []slipway.Problem) {
	at := filepath.Join(dir, name)
	info, err := os.Stat(at)
	if err == nil && (info.Size() > maxFile || !info.Mode().IsRegular()) {
		return nil, []slipway.Problem{{Path: name, Text: slipway.T("Must be a file of at most 1 MiB.", "应为不超过 1 MiB 的文件。")}}
	}
	data, err := os.ReadFile(at) //nolint:gosec // a file of the operator's folder
	if err == nil {
		data, err = yamlToJSON(data)
	}
	if err != nil {
		return nil, []slipway.Problem{{Path: name, Text: slipway.T("Cannot be read: %v.", "无法读取：%v。", err)}}
	}
	w, wrong := slipway.DecodeWorkflow(data)
	problems := make([]slipway.Problem, 0, len(wrong))
	for _, p := range wrong {
		problem := p.Under("")
		problem.Path = name + ": " + problem.Path
		problems = append(problems, problem)
	}
	if len(problems) == 0 {
		if unknown := w.UnknownKeys(); len(unknown) > 0 {
			c.logger.Warn("workflow has unknown keys", "file", name, "keys", unknown)
		}
	}
	return w, problems
}

// find returns the one workflow that a plan asks for.
func (c catalog) find(project, name string) (file, error) {
	files, problems, err := c.read()
	if err != nil {
		return file{}, err
	}
	var found []file
	var known []string
	for _, f := range files {
		known = append(known, path.Join(f.workflow.Project, f.workflow.Name))
		if f.workflow.Name == name && (project == "" || f.workflow.Project == project) {
			found = append(found, f)
		}
	}
	switch {
	case len(found) == 1:
		return found[0], nil
	case len(found) > 1:
		var paths []string
		for _, f := range found {
			paths = append(paths, f.path)
		}
		return file{}, refuse("Several files define the workflow %[1]q: %[2]s. Name its project, or rename one.",
			"多个文件定义了工作流 %[1]q：%[2]s。请指定项目，或重命名其中一个。", name, strings.Join(paths, ", "))
	case len(problems) > 0:
		return file{}, &slipway.Error{
			Code: slipway.Invalid,
			Text: slipway.T("There is no readable workflow %q, and some files of the workflows folder are faulty.",
				"没有可读取的工作流 %q，且工作流目录中有文件存在错误。", name),
			Problems: problems,
		}
	case len(known) == 0:
		return file{}, refuse("There is no workflow %q: the workflows folder is empty.",
			"没有工作流 %q：工作流目录为空。", name)
	}
	return file{}, refuse("There is no workflow %[1]q. The workflows folder has %[2]s.",
		"没有工作流 %[1]q。工作流目录中有：%[2]s。", path.Join(project, name), strings.Join(known, ", "))
}

// refuse makes the refusal of a workflow for one reason.
func refuse(en, zh string, args ...any) error {
	text := slipway.T(en, zh, args...)
	return &slipway.Error{Code: slipway.Invalid, Text: text, Problems: []slipway.Problem{{Path: "workflow", Text: text}}}
}
