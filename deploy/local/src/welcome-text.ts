import { relative } from 'node:path'
import type { Stack } from './stack.ts'

/** What somebody needs who has just started Sluice: where it is, the operator's token, and calls to try. */
export function welcomeText({ adminUrl, gatewayUrls, operatorToken, paths }: Stack): string {
  const tokenFile = shortPath(paths.operatorTokenFile)
  const token = operatorToken ?? 'made at the first start on this database, and kept there'
  return `
  Sluice is running.

    Console and admin API   ${adminUrl}
    Gateway                 ${gatewayUrls.join('  ')}
    Operator token          ${token}
                            (also in ${tokenFile})

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

  Ctrl-C stops everything; what was stored stays in ${shortPath(paths.dataDir)}.

`
}

/** As it would be typed here. */
function shortPath(path: string): string {
  const fromHere = relative(process.cwd(), path)
  return fromHere.startsWith('..') ? path : fromHere
}
