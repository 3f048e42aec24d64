package jenkins

import (
	"net/url"
	"regexp"
	"strconv"
	"strings"

	"slipway"
)

// forbidden are the characters that no name in Jenkins has. The percent sign is none of
// them: the names of branches have it.
const forbidden = `?*/\!@#$^&|<>[]:;`

// pathOf returns the full name of the job that a spec names, empty if it names none.
func pathOf(spec slipway.WorkflowSpec) string {
	path := strings.Trim(spec.Name, "/")
	if folder := strings.Trim(spec.Project, "/"); folder != "" && path != "" {
		path = folder + "/" + path
	}
	for name := range strings.SplitSeq(path, "/") {
		if strings.TrimSpace(name) == "" || name == "." || name == ".." || strings.ContainsAny(name, forbidden) {
			return ""
		}
	}
	return path
}

// split returns the folder and the name of a job.
func split(path string) (folder, name string) {
	if i := strings.LastIndexByte(path, '/'); i >= 0 {
		return path[:i], path[i+1:]
	}
	return "", path
}

// addressOf is where a job is, below the address of Jenkins.
func addressOf(path string) string {
	var b strings.Builder
	if path == "" {
		return ""
	}
	for name := range strings.SplitSeq(path, "/") {
		b.WriteString("/job/" + url.PathEscape(name))
	}
	return b.String()
}

var number = regexp.MustCompile(`^[0-9]{1,18}$`)

// readAddress reads the path of an address of a job or of one of its builds: what
// stands before does not count, because Jenkins may be known under several names. The
// build is 0 if it names none.
func readAddress(escaped string) (path string, build int64, ok bool) {
	parts := strings.Split(strings.Trim(escaped, "/"), "/")
	for i := 0; i < len(parts); i++ {
		if parts[i] != "job" || i+1 == len(parts) {
			if path == "" {
				continue // what stands before
			}
			if number.MatchString(parts[i]) {
				build, _ = strconv.ParseInt(parts[i], 10, 64)
			}
			break
		}
		name, err := url.PathUnescape(parts[i+1])
		if err != nil || name == "" || strings.ContainsAny(name, forbidden) {
			return "", 0, false
		}
		if path != "" {
			path += "/"
		}
		path += name
		i++
	}
	return path, build, path != ""
}

// readURL reads an address as Jenkins gives it.
func readURL(address string) (path string, build int64, ok bool) {
	u, err := url.Parse(address)
	if err != nil {
		return "", 0, false
	}
	return readAddress(u.EscapedPath())
}
