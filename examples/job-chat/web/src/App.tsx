import { BrowserRouter, Route, Routes } from "react-router";
import { AuthProvider } from "./auth/AuthProvider.js";
import { LoginPage } from "./auth/LoginPage.js";
import { ProtectedRoute } from "./auth/ProtectedRoute.js";
import { ChatPage } from "./chat/ChatPage.js";
import { DashboardPage } from "./jobs/DashboardPage.js";
import { NotFoundPage } from "./layout/NotFoundPage.js";

export function App() {
  return (
    <BrowserRouter>
      <AuthProvider>
        <Routes>
          <Route path="/login" element={<LoginPage />} />
          <Route element={<ProtectedRoute />}>
            <Route path="/" element={<DashboardPage />} />
            <Route path="/jobs/:jobId/chat" element={<ChatPage />} />
          </Route>
          <Route path="*" element={<NotFoundPage />} />
        </Routes>
      </AuthProvider>
    </BrowserRouter>
  );
}
