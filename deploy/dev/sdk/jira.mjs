// Reads and writes a stand-in of Jira with a client that others wrote for the real one. HOST is its address, EMAIL and
// API_TOKEN the account. Prints one JSON object with what came back for each call: the answer, or {status} where it failed.
import { AgileClient, Version2Client } from "jira.js";

const { HOST, EMAIL, API_TOKEN } = process.env;
const config = (apiToken) => ({ host: HOST, authentication: { basic: { email: EMAIL, apiToken } } });
const agile = new AgileClient(config(API_TOKEN));
const v2 = new Version2Client(config(API_TOKEN));

const results = {};
async function call(name, promise) {
  try {
    results[name] = await promise;
  } catch (error) {
    results[name] = { status: error.status ?? error.response?.status, message: error.message };
  }
}

await call("me", v2.myself.getCurrentUser());
await call("stranger", new Version2Client(config("wrong")).myself.getCurrentUser());
await call("projects", v2.projects.searchProjects({ query: "pay" }));
await call("boards", agile.board.getAllBoards({ startAt: 0, maxResults: 2 }));
await call("moreBoards", agile.board.getAllBoards({ startAt: 2, maxResults: 2 }));
await call("board", agile.board.getBoard({ boardId: 7 }));
await call("sprints", agile.board.getAllSprints({ boardId: 7, state: "active,future" }));
await call("kanban", agile.board.getAllSprints({ boardId: 8 }));
await call("sprint", agile.sprint.getSprint({ sprintId: 42 }));
await call("noSprint", agile.sprint.getSprint({ sprintId: 99 }));
await call("issues", agile.sprint.getIssuesForSprint({ sprintId: 42, startAt: 0, maxResults: 2, fields: ["summary", "status"] }));
await call("comment", v2.issueComments.addComment({ issueIdOrKey: "PAY-1", comment: "by another client" }));
await call("comments", v2.issueComments.getComments({ issueIdOrKey: "PAY-1" }));
const link = (title) => v2.issueRemoteLinks.createOrUpdateRemoteIssueLink({
  issueIdOrKey: "PAY-1", globalId: "slipway=1", object: { url: "https://slipway.example.com/plans/1", title, status: { resolved: true } },
});
await call("link", link("once"));
await call("linkAgain", link("twice"));
await call("links", v2.issueRemoteLinks.getRemoteIssueLinks({ issueIdOrKey: "PAY-1" }));
console.log(JSON.stringify(results));
