import type { Verdict } from './judge.ts'
import type { Scenario, ScenarioResult } from './scenario.ts'

/** The report's beginning. */
export function reportHead(date: string, machine: string, natsVersion: string): string[] {
  return [
    '# Exactness: `npm run bench:exactness`',
    '',
    `${date}, ${machine}, ${natsVersion}.`,
    '',
    'Each scenario runs real processes and causes one kind of trouble. What counts is when requests left for the provider, by the kernel’s time',
    'stamps: a capture on loopback (`tcpdump`), read by the benchmark itself. Every limit is judged twice: by requests’ heads, and by the last bytes of',
    'whole requests. *Most* is the most in any period, *least* the least in any period and two slots, over the limit; *least* is given where',
    'demand exceeds the limit throughout. `SCENARIO=name` runs one scenario and prints its section.',
  ]
}

/** One scenario's section. */
export function reportSection({ name, about }: Scenario, { judgedBy, verdicts, facts = [] }: ScenarioResult): string[] {
  const doubt = 'Judged by the upstream’s own time stamps, for the wire could not be watched: late on a busy machine.'
  return [
    '',
    `## ${name}`,
    '',
    about,
    ...(judgedBy === 'wire' ? [] : ['', `**${doubt}**`]),
    '',
    '| connection | limit | admitted in all | most ÷ limit, by heads | by whole requests | least ÷ limit | |',
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
