package githubtest

import (
	"encoding/base64"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
)

// brief is a repository as GitHub shows it within something else.
func (s *Server) brief(repository string) map[string]any {
	owner, name, _ := strings.Cut(repository, "/")
	api, web := s.URL()+"/api/v3/repos/"+repository, s.URL()+"/"+repository
	r := map[string]any{
		"id": slices.Index(s.repositories, repository) + 1, "node_id": "R_" + name, "name": name, "full_name": repository,
		"owner": s.account(owner), "private": true, "html_url": web, "description": nil, "fork": false, "url": api,
	}
	for key, rest := range map[string]string{
		"archive_url": "/{archive_format}{/ref}", "assignees_url": "/assignees{/user}", "blobs_url": "/git/blobs{/sha}",
		"branches_url": "/branches{/branch}", "collaborators_url": "/collaborators{/collaborator}", "comments_url": "/comments{/number}",
		"commits_url": "/commits{/sha}", "compare_url": "/compare/{base}...{head}", "contents_url": "/contents/{+path}",
		"contributors_url": "/contributors", "deployments_url": "/deployments", "downloads_url": "/downloads", "events_url": "/events",
		"forks_url": "/forks", "git_commits_url": "/git/commits{/sha}", "git_refs_url": "/git/refs{/sha}", "git_tags_url": "/git/tags{/sha}",
		"hooks_url": "/hooks", "issue_comment_url": "/issues/comments{/number}", "issue_events_url": "/issues/events{/number}",
		"issues_url": "/issues{/number}", "keys_url": "/keys{/key_id}", "labels_url": "/labels{/name}", "languages_url": "/languages",
		"merges_url": "/merges", "milestones_url": "/milestones{/number}",
		"notifications_url": "/notifications{?since,all,participating}", "pulls_url": "/pulls{/number}", "releases_url": "/releases{/id}",
		"stargazers_url": "/stargazers", "statuses_url": "/statuses/{sha}", "subscribers_url": "/subscribers",
		"subscription_url": "/subscription", "tags_url": "/tags", "teams_url": "/teams", "trees_url": "/git/trees{/sha}",
	} {
		r[key] = api + rest
	}
	return r
}

// whole is a repository as GitHub shows it alone.
func (s *Server) whole(repository string) map[string]any {
	r := s.brief(repository)
	web := s.URL() + "/" + repository
	maps.Copy(r, map[string]any{
		"clone_url": web + ".git", "git_url": "git:" + repository + ".git", "ssh_url": "git@github.example:" + repository + ".git",
		"svn_url": web, "mirror_url": nil, "default_branch": DefaultBranch, "forks": 0, "forks_count": 0, "homepage": nil,
		"language": "Go", "stargazers_count": 0, "watchers": 0, "watchers_count": 0, "size": 108, "open_issues": 0,
		"open_issues_count": 0, "has_issues": true, "has_projects": true, "has_wiki": true, "has_pages": false, "has_downloads": true,
		"has_discussions": false, "archived": false, "disabled": false, "visibility": "private", "license": nil, "pushed_at": long,
		"created_at": long, "updated_at": long, "network_count": 0, "subscribers_count": 1, "topics": []string{},
		"permissions": map[string]any{"admin": false, "maintain": false, "push": true, "triage": true, "pull": true},
	})
	return r
}

func (s *Server) repository(c *call) {
	if repository, ok := s.find(c); ok {
		c.say(http.StatusOK, s.whole(repository))
	}
}

// sha is that of the last commit of a branch.
func sha(branch string) string { return fmt.Sprintf("%040x", "commit of "+branch)[:40] }

// branchOf is the branch of a ref, which may be the SHA of a commit.
func (s *Server) branchOf(repository, ref string) (string, bool) {
	if ref == "" || ref == sha(DefaultBranch) {
		return DefaultBranch, true
	}
	for _, w := range s.config.Workflows {
		if branch := branchOf(w); w.Project == repository && (branch == ref || sha(branch) == ref) {
			return branch, true
		}
	}
	return DefaultBranch, ref == DefaultBranch
}

func (s *Server) contents(c *call) {
	repository, ok := s.find(c)
	if !ok {
		return
	}
	path := c.r.PathValue("path")
	branch, ok := s.branchOf(repository, c.r.URL.Query().Get("ref"))
	if !ok {
		c.refuse(http.StatusNotFound, "No commit found for the ref "+c.r.URL.Query().Get("ref"))
		return
	}
	text, ok := s.file(repository, branch, path)
	if !ok {
		c.refuse(http.StatusNotFound, "Not Found")
		return
	}
	api := fmt.Sprintf("%s/api/v3/repos/%s", s.URL(), repository)
	at := api + "/contents/" + path + "?ref=" + branch
	blob, web := api+"/git/blobs/"+sha(path), fmt.Sprintf("%s/%s/blob/%s/%s", s.URL(), repository, branch, path)
	c.say(http.StatusOK, map[string]any{
		"type": "file", "encoding": "base64", "size": len(text), "name": path[strings.LastIndexByte(path, '/')+1:], "path": path,
		"content": wrapped(base64.StdEncoding.EncodeToString([]byte(text))), "sha": sha(path), "url": at, "git_url": blob, "html_url": web,
		"download_url": web + "?raw=true", "_links": map[string]any{"git": blob, "self": at, "html": web},
	})
}

// wrapped is base64 in lines of sixty, as GitHub writes it.
func wrapped(text string) string {
	var b strings.Builder
	for len(text) > 60 {
		b.WriteString(text[:60] + "\n")
		text = text[60:]
	}
	b.WriteString(text + "\n")
	return b.String()
}

// file is a file of a branch.
func (s *Server) file(repository, branch, path string) (string, bool) {
	if text, ok := s.config.Files[repository+"/"+path]; ok {
		return text, true
	}
	for _, w := range s.config.Workflows {
		if w.Project == repository && branchOf(w) == branch && path == pathOf(w) {
			return s.text(w), true
		}
	}
	return "", false
}

func (s *Server) environment(c *call) {
	repository, ok := s.find(c)
	if !ok {
		return
	}
	name := c.r.PathValue("environment_name")
	known := slices.Contains(s.config.Environments, name)
	for _, g := range s.config.Gates {
		known = known || g.Environment == name
	}
	if !known {
		c.refuse(http.StatusNotFound, "Not Found")
		return
	}
	e := s.environmentOf(repository, name)
	e["created_at"], e["updated_at"], e["protection_rules"], e["deployment_branch_policy"] = long, long, []any{}, nil
	c.say(http.StatusOK, e)
}

func (s *Server) environmentOf(repository, name string) map[string]any {
	return map[string]any{
		"id": environmentID(name), "node_id": "EN_" + name, "name": name,
		"url":      fmt.Sprintf("%s/api/v3/repos/%s/environments/%s", s.URL(), repository, name),
		"html_url": fmt.Sprintf("%s/%s/deployments/activity_log?environments_filter=%s", s.URL(), repository, name),
	}
}

func environmentID(name string) int {
	id := 161000000
	for _, b := range []byte(name) {
		id = id*7%100000007 + int(b)
	}
	return id
}
