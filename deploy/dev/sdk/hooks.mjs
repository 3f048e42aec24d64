// Holds signatures of hooks to the Standard Webhooks libraries of this language: reads
// hooks as JSON lines of {secret, header, body}, prints for each what every library says
// of it, and signs the body with each.
import { createInterface } from 'node:readline'
import { Webhook as Standard } from 'standardwebhooks'
import { Webhook as Svix } from 'svix'

const verify = (library, hook) => {
  try {
    new library(hook.secret).verify(hook.body, hook.header)
    return ''
  } catch (e) {
    return e.message || e.name
  }
}

const sign = (library, hook) =>
  new library(hook.secret).sign(hook.header['webhook-id'], new Date(Number(hook.header['webhook-timestamp']) * 1000), hook.body)

const answers = []
for await (const line of createInterface({ input: process.stdin })) {
  const hook = JSON.parse(line)
  answers.push({
    refusals: { standardwebhooks: verify(Standard, hook), svix: verify(Svix, hook) },
    signatures: { standardwebhooks: sign(Standard, hook), svix: sign(Svix, hook) },
  })
}
console.log(JSON.stringify(answers))
