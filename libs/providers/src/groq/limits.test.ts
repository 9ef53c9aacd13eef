import type { RateLimitReading } from '@sluice/contracts'
import { expect, it } from 'vitest'
import type { WireHeaders } from '../wire/headers.ts'
import { readGroqRateLimits } from './limits.ts'

const REQUESTS = { dimension: 'requests', periodMs: 86_400_000 }
const TOKENS = { dimension: 'tokens', periodMs: 60_000 }

it.each<[string, WireHeaders, RateLimitReading[]]>([
  ['nothing', { 'retry-after': '2' }, []],
  [
    'all that is documented',
    {
      'x-ratelimit-limit-requests': '14400',
      'x-ratelimit-limit-tokens': '18000',
      'x-ratelimit-remaining-requests': '14370',
      'x-ratelimit-remaining-tokens': '17997',
      'x-ratelimit-reset-requests': '2m59.56s',
      'x-ratelimit-reset-tokens': '7.66s',
    },
    [
      { ...REQUESTS, limit: 14_400, remaining: 14_370, resetMs: 179_560 },
      { ...TOKENS, limit: 18_000, remaining: 17_997, resetMs: 7_660 },
    ],
  ],
  [
    'a further dimension',
    { 'x-ratelimit-limit-audio-seconds': '7200' },
    [{ dimension: 'audio-seconds', limit: 7_200 }],
  ],
  [
    'one named as what every object has',
    { 'x-ratelimit-limit-constructor': '1' },
    [{ dimension: 'constructor', limit: 1 }],
  ],
  ['garbage', { 'x-ratelimit-limit-requests': 'many' }, [{ ...REQUESTS, unreadable: ['limit'] }]],
  ['a negative number', { 'x-ratelimit-remaining-tokens': '-3' }, [{ ...TOKENS, unreadable: ['remaining'] }]],
  ['a huge number', { 'x-ratelimit-limit-tokens': '1'.repeat(30) }, [{ ...TOKENS, unreadable: ['limit'] }]],
  [
    'a header that came twice and says different things',
    { 'x-ratelimit-limit-tokens': ['6000', '12000'], 'x-ratelimit-reset-tokens': ['1s', '1s'] },
    [{ ...TOKENS, resetMs: 1_000, unreadable: ['limit'] }],
  ],
  [
    'more remaining than the limit',
    { 'x-ratelimit-limit-tokens': '6000', 'x-ratelimit-remaining-tokens': '6001' },
    [{ ...TOKENS, limit: 6_000, unreadable: ['remaining'] }],
  ],
])('reads %s, with the documented period', (_, headers, readings) => {
  expect(readGroqRateLimits(headers)).toEqual(readings)
})
