// A program that behaves as a service does towards its supervisor: it says that it is ready, and ends on SIGTERM and
// when the supervisor has ended. Its arguments make it misbehave.
const [behavior] = process.argv.slice(2)

setInterval(() => undefined, 60_000)
if (behavior === 'fails') {
  console.log('the database said no')
  process.exit(3)
}
process.on('disconnect', () => process.exit(0))
process.on('SIGTERM', () => {
  console.log('stopping')
  if (behavior !== 'ignores-sigterm') process.exit(0)
})
console.log(JSON.stringify({ level: 30, time: new Date().toISOString(), name: 'fixture', msg: 'listening' }))
if (behavior !== 'never-ready') process.send?.('ready')
