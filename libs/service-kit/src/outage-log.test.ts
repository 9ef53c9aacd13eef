import { expect, it } from 'vitest'
import { outageLog } from './outage-log.ts'

it('tells a series of faults as it begins and as it ends, and the next one again', () => {
  const lines: string[] = []
  const write = (level: string) => (_fields: unknown, message?: string) => void lines.push(`${level} ${message}`)
  const outage = outageLog({ warn: write('warn'), debug: write('debug'), info: write('info') })
  outage.success()
  expect(lines).toEqual([])
  for (const _retry of [1, 2, 3]) outage.fault(new Error('away'))
  expect(lines.filter((line) => line.startsWith('warn'))).toHaveLength(1)
  outage.success()
  outage.success()
  expect(lines.filter((line) => line.startsWith('info'))).toHaveLength(1)
  outage.fault(new Error('away'))
  expect(lines.filter((line) => line.startsWith('warn'))).toHaveLength(2)
})
