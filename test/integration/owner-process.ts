// Runs hello in a separate process, prints its domain, and stays until it is killed.
import { openStudio } from './studio.ts';

const [home = '', lifetime = 'session', startMode = 'cold'] = process.argv.slice(2);
const studio = await openStudio({ home });
const project = await studio.project(`owned-${process.pid}`, `export default () => 'here';`);
const run = await studio.client.call('instances:run', {
  projectId: project.id,
  lifetime: lifetime as 'session' | 'forever',
  startMode: startMode as 'cold',
});
process.stdout.write(`${JSON.stringify({ instance: run.instance, error: run.error })}\n`);
setInterval(() => undefined, 1000);
