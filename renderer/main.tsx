import './ui/tokens.css';
import './ui/base.css';
import { createRoot } from 'react-dom/client';
import { z } from 'zod';
import { App } from './app/app.tsx';
import { StudioProvider } from './bind/studio.tsx';
import { createStudio } from './studio.ts';
import { pickTransport } from './transport/pick.ts';

// The page's content security policy forbids making code from text, which zod would otherwise try.
z.config({ jitless: true });

const root = document.getElementById('root');
if (root === null) throw new Error('index.html has no #root');
const transport = pickTransport();
const studio = createStudio(transport);
window.addEventListener('pagehide', () => studio.dispose());
createRoot(root).render(
  <StudioProvider studio={studio}>
    <App transport={transport} />
  </StudioProvider>,
);
