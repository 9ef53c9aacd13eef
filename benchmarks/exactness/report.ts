import type { Verdict } from './judge.ts'
import type { Scenario, ScenarioResult } from './scenario.ts'

/** Returns the beginning of the report. */
export function reportHead(date: string, machine: string, natsVersion: string): string[] {
  return [
    '# Exactness: `npm run bench:exactness`',
    '',
    `${date}, ${machine}, ${natsVersion}.`,
    '',
    'Each scenario runs real processes and causes one kind of failure. It measures when requests were sent to the provider, by the kernel’s',
    'timestamps, in a capture on loopback (`tcpdump`) that the benchmark itself reads. Every limit is judged twice: by the headers of requests, and by',
    'the last bytes of complete requests. *Most* is the most in any period, *least* the least in any period and two slots, each divided by the limit;',
    '*least* is given if demand exceeds the limit throughout. `SCENARIO=name` runs one scenario and prints its section.',
  ]
}

/** Returns the section of one scenario. */
export function reportSection({ name, about }: Scenario, { judgedBy, verdicts, facts = [] }: ScenarioResult): string[] {
  const doubt =
    'Judged by the upstream’s own timestamps, which are late on a busy machine, because the wire could not be captured.'
  return [
    '',
    `## ${name}`,
    '',
    about,
    ...(judgedBy === 'wire' ? [] : ['', `**${doubt}**`]),
    '',
    '| connection | limit | total admitted | most ÷ limit, by headers | by complete requests | least ÷ limit | |',
    '|---|---|---|---|---|---|---|',
    ...verdicts.map(rowOf),
    ...(facts.length === 0 ? [] : ['']),
    ...facts.map(({ text, isAsPromised }) => `- ${text}${isAsPromised ? '' : ' **NOT AS PROMISED**'}`),
  ]
}

function rowOf({ account, limit, admitted, byHeads, byWholes, use, binds, finding }: Verdict): string {
  const cells = [
    account,
    limit,
    admitted.toLocaleString('en'),
    byHeads.toFixed(3),
    byWholes.toFixed(3),
    use?.toFixed(3) ?? '–',
    finding === 'kept' ? (binds ? 'binds' : '') : `**${finding}**`,
  ]
  return `| ${cells.join(' | ')} |`
}
