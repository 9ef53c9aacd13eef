import { expect, it } from 'vitest'
import { outageLog } from './logger.ts'

it('logs a series of faults once when it starts and once when it ends, and so the next series', () => {
  const lines: string[] = []
  const write = (level: string) => (_fields: unknown, message?: string) => void lines.push(`${level} ${message}`)
  const outage = outageLog(
    { warn: write('warn'), debug: write('debug'), info: write('info') },
    { begins: 'it is away', ends: 'it is back' },
  )
  outage.success()
  expect(lines).toEqual([])
  for (const _retry of [1, 2, 3]) outage.fault(new Error('away'))
  expect(lines).toEqual(['warn it is away', 'debug it is away', 'debug it is away'])
  outage.success()
  outage.success()
  expect(lines.filter((line) => line.startsWith('info'))).toEqual(['info it is back'])
  outage.fault(new Error('away'))
  expect(lines.filter((line) => line.startsWith('warn'))).toHaveLength(2)
})
