// Package jira is a thin client of Jira: the part of its REST and Agile APIs that shows
// the sprints behind a plan and tells their issues of it. It talks to Jira Cloud (user and
// API token) and to Jira Data Center (a personal access token, or user and password).
//
// Its errors have two texts. Jira not answering is slipway.Unavailable; asked too often it
// is a *Limited, which says how long to leave Jira alone.
package jira
