import { relative } from 'node:path'
import type { Stack } from './stack.ts'

type WelcomedStack = Pick<Stack, 'adminUrl' | 'gatewayUrls' | 'operatorToken' | 'isOperatorTokenNew' | 'paths'>

/** Returns the text for someone who has just started Sluice: its addresses, the operator token, and calls to try. */
export function welcomeText(stack: WelcomedStack): string {
  const { adminUrl, gatewayUrls, paths } = stack
  const tokenFile = shortPath(paths.operatorTokenFile)
  return `
  Sluice is running.

    Admin API        ${adminUrl}
    Gateway          ${gatewayUrls.join('  ')}
    Operator token   ${tokenText(stack, tokenFile)}

  Create a connection:

    curl ${adminUrl}/api/v1/connections \\
      -H "Authorization: Bearer $(cat ${tokenFile})" -H 'Content-Type: application/json' \\
      -d '{"name": "openai-prod", "provider": "openai", "config": {"apiKey": "'"$OPENAI_API_KEY"'"},
           "capacity": [{"period": "minute", "requests": 60, "tokens": 100000}]}'

  Create an API key for an application (it is shown once, as "key"):

    curl ${adminUrl}/api/v1/api-keys \\
      -H "Authorization: Bearer $(cat ${tokenFile})" -H 'Content-Type: application/json' \\
      -d '{"name": "my-app", "connections": "*"}'

  Call the provider through the gateway, with that key as SLUICE_KEY:

    curl ${gatewayUrls[0]}/connections/openai-prod/v1/chat/completions \\
      -H "Authorization: Bearer $SLUICE_KEY" -H 'Content-Type: application/json' \\
      -d '{"model": "gpt-5-mini", "messages": [{"role": "user", "content": "Hello"}]}'

  The environment of each service, with the addresses of NATS and PostgreSQL, is in ${shortPath(paths.environmentDir)}.
  Ctrl-C stops everything. All data stays in ${shortPath(paths.dataDir)}.

`
}

/** The token itself is shown only once: a terminal's output ends up in many places. */
function tokenText({ operatorToken, isOperatorTokenNew }: WelcomedStack, tokenFile: string): string {
  if (operatorToken === undefined) return 'created at the first start on this database, from another data folder'
  return isOperatorTokenNew ? `${operatorToken} (also in ${tokenFile})` : `in ${tokenFile}`
}

/** Returns the path as one would type it here. */
function shortPath(path: string): string {
  const fromHere = relative(process.cwd(), path)
  return fromHere.startsWith('..') ? path : fromHere
}
